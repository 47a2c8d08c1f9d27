// The published vectors: docs/vectors/*.json.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { firstHash, nextHash } from '../journal.mjs'
import { openCompact, signer } from '../jws.mjs'
import { isQuiet, readPlan } from '../plan.mjs'
import { TONE } from '../tone.mjs'
import { Box, machine } from './bench.mjs'

const read = (name) => JSON.parse(readFileSync(new URL(`../../../docs/vectors/${name}.json`, import.meta.url), 'utf8'))
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

const keys = read('keys').keys
const named = (...kids) => kids.map((kid) => keys.find((key) => key.kid === kid))

/** What the journal says after a message: the word of its refusal, `accepted`, or `nothing`. */
function outcome (box, kind, token) {
  const before = box.journal.newest
  box.orders.take(kind, Buffer.from(token))
  const entry = box.journal.entries().slice(before).find(([, occ]) => occ === '')
  return entry === undefined ? 'nothing' : entry[2] === 'refused' ? entry[7].why : 'accepted'
}

const plans = read('plans')

for (const { name, expect, token } of plans.plans) {
  test(`plan: ${name}`, () => {
    const station = { rid: plans.rid, keys: named('plan-1', 'alarm-1', 'idle-1') }
    const box = new Box({ station, time: machine(plans.now) })
    box.orders.by = station.keys[0]
    box.orders.plan = readPlan(box.plan([], { rid: plans.rid, rev: plans.last_rev }))
    const said = outcome(box, 'plan', token)
    assert.ok(expect.includes(said), `${said}, not ${expect}`)
    assert.equal(box.orders.rev === plans.last_rev, said !== 'accepted')
    assert.equal(box.cutPower().orders.rev > 0, said === 'accepted')
  })
}

const documents = read('keys-documents')

for (const { name, expect, token } of documents.documents) {
  test(`keys document: ${name}`, () => {
    const station = { rid: plans.rid, keys: named('plan-1'), roots: named('root-1', 'root-2'), need: documents.need, kv: documents.kv }
    const box = new Box({ station, time: machine(plans.now) })
    const said = outcome(box, 'keys', token)
    assert.ok(expect.includes(said), `${said}, not ${expect}`)
    assert.equal(box.cutPower().orders.keys.kv > documents.kv, said === 'accepted')
  })
}

test('journal: the hashes and the batch', () => {
  const { jid, h0, entries, payload, token } = read('journal')
  let hash = firstHash(jid)
  assert.equal(hash.toString('hex'), h0)
  for (const entry of entries) {
    hash = nextHash(hash, entry.entry)
    assert.equal(hash.toString('hex'), entry.hash)
  }
  assert.equal(JSON.parse(payload).head, hash.toString('hex'))
  assert.ok(payload.endsWith(`,"e":[${entries.map(({ entry }) => entry).join(',')}]}`))
  const [own] = named('r-0421')
  assert.equal(signer('r-0421', Buffer.from(own.seed, 'hex'))('loa-events', payload), token)
  assert.ok(openCompact(token, 'loa-events').isSignedBy(own.x))
})

for (const { name, at, ms, touches, ...settings } of read('quiet-hours').cases) {
  test(`quiet hours: ${name}`, () => assert.equal(isQuiet(at, ms, settings), touches))
}

test('sounds: blocks, their hashes, and the tone', () => {
  const { sound, tone } = read('sounds')
  const bytes = Buffer.from(Array.from({ length: sound.n }, (_, i) => (7 * i + Math.floor(i / 251)) % 251))
  const box = new Box({ withSound: false })
  const aud = { [sound.sha256]: { n: sound.n, ms: 1000 } }
  box.order([{ id: 'o1', at: box.time.at, late: 1000, end: box.time.at + 1000, sha: sound.sha256 }], { aud })
  box.sounds.turn()
  for (const [i, { topic, n, sha256: sha }] of sound.blocks.entries()) {
    const block = bytes.subarray(i * 65_536, i * 65_536 + n)
    assert.deepEqual([sha256(block), topic], [sha, `loa/1/audio/${sound.sha256.slice(0, 16)}/${i}`])
    box.sounds.take(topic.split('/')[3], i, block)
  }
  assert.ok(box.sounds.has(sound.sha256))
  assert.deepEqual([TONE.sha, TONE.n, TONE.ms, TONE.ct], [tone.sha256, tone.n, tone.ms, tone.ct])
  assert.ok(TONE.bytes.toString('hex').startsWith(tone.first_bytes))
})
