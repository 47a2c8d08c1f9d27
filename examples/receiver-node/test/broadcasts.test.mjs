import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { firstHash, nextHash } from '../journal.mjs'
import { Box, NOON, occurrence, rootKey, SHA, signedByRoots, SOUND, stationJson } from './bench.mjs'

const IN_A_MINUTE = NOON + 60_000

test('a broadcast is accepted, ready, started and played', () => {
  const box = new Box()
  box.order([occurrence('o1', IN_A_MINUTE)])
  box.pass(80_000)
  assert.deepEqual(box.fate('o1'), ['accepted', 'ready', 'started', 'played'])
  const [,,, t] = box.journal.entries().find(([,, code]) => code === 'started')
  assert.equal(t, IN_A_MINUTE)
})

test('a power cut at any entry neither plays twice nor loses an entry', () => {
  for (let entries = 1; entries <= 4; entries++) {
    const box = new Box()
    box.order([occurrence('o1', NOON + 1000)])
    for (let i = 0; i < 300 && box.journal.newest < entries + 1; i++) box.pass(100)
    const after = box.cutPower()
    assert.deepEqual(after.journal.texts.slice(0, entries + 1), box.journal.texts)
    after.pass(30_000)
    assert.equal(after.fate('o1').filter((code) => code === 'started').length, 1)
    assert.equal(after.fate('o1').at(-1), entries === 3 ? 'interrupted:power' : 'played')
  }
})

test('what wants to begin anew does so after a power cut too', () => {
  const box = new Box()
  box.order([occurrence('o1', NOON, { onint: 'restart' })])
  box.pass(5000)
  const after = box.cutPower()
  after.pass(15_000)
  assert.deepEqual(after.fate('o1'), ['accepted', 'ready', 'started', 'interrupted:power', 'started', 'played'])
})

test('an entry that a power cut tore is cut off, and the chain goes on', () => {
  const box = new Box()
  box.order([])
  appendFileSync(join(box.at, 'journal'), '[2,"o1","sta')
  const { journal } = box.cutPower()
  journal.write('boot')
  assert.equal(journal.newest, 2)
  const head = journal.texts.reduce(nextHash, firstHash(journal.jid))
  assert.equal(journal.head, head.toString('hex'))
  assert.deepEqual(journal.entries().map(([seq,,,,, boot]) => [seq, boot]), [[1, 1], [2, 2]])
})

test('an emergency interrupts; what wants to begins anew after it', () => {
  const box = new Box()
  const first = occurrence('o1', NOON, { onint: 'restart' })
  const second = occurrence('o2', NOON + 1000)
  box.order([first, second])
  box.pass(3000)
  box.order([first, second, occurrence('e1', NOON + 3000, { cls: 'E' })], { kid: 'alarm-1' })
  box.pass(45_000)
  assert.deepEqual(box.fate('e1'), ['accepted', 'ready', 'started', 'played'])
  assert.deepEqual(box.fate('o1'), ['accepted', 'ready', 'started', 'interrupted:preempt', 'started', 'played'])
  assert.deepEqual(box.fate('o2'), ['accepted', 'ready', 'started', 'played'])
})

test('an emergency needs the role, quiet hours need an emergency', () => {
  const box = new Box()
  const night = NOON + 11 * 3_600_000
  box.order([occurrence('e1', NOON, { cls: 'E' }), occurrence('o1', night)])
  assert.deepEqual([box.fate('e1'), box.fate('o1')], [['refused:no_role'], ['refused:quiet']])
  box.order([occurrence('e1', night, { cls: 'E' })], { kid: 'alarm-1' })
  assert.deepEqual(box.fate('e1'), ['refused:no_role', 'accepted'])
})

test('what runs late into quiet hours is refused at its start', () => {
  const box = new Box({ withSound: false })
  const before = NOON + 10 * 3_600_000 - 20_000
  box.time.at = before
  box.order([occurrence('o1', before)])
  box.pass(15_000)
  assert.deepEqual(box.fate('o1'), ['accepted', 'refused:quiet'])
})

test('a cap makes one softer, never louder, and no emergency', () => {
  const box = new Box()
  const begun = (id) => box.journal.entries().find(([, occ, code]) => occ === id && code === 'started')[7].vol
  const [a, b, c] = [{ vol: 20 }, { vol: 90 }, { cls: 'E', vol: 20 }].map((more, i) => occurrence(`o${i}`, NOON + i * 30_000, more))
  box.order([a, b, c, occurrence('o3', NOON + 90_000)], { kid: 'alarm-1', set: { vol: 35, quiet: [], tz: 'Asia/Ho_Chi_Minh' } })
  box.pass(120_000)
  assert.deepEqual(['o0', 'o1', 'o2', 'o3'].map(begun), [20, 35, 35, 35])
})

test('off cancels, leaving out cancels, and a newer plan may want it again', () => {
  const box = new Box()
  const one = occurrence('o1', IN_A_MINUTE)
  box.order([one, occurrence('o2', IN_A_MINUTE), occurrence('o3', NOON)])
  box.pass(1000)
  box.order([{ ...one, st: 'off' }, occurrence('o3', NOON, { st: 'off' })])
  box.order([one])
  assert.deepEqual(box.fate('o1'), ['accepted', 'ready', 'cancelled', 'accepted'])
  assert.deepEqual(box.fate('o2'), ['accepted', 'ready', 'cancelled'])
  assert.deepEqual(box.fate('o3'), ['accepted', 'ready', 'started', 'cancelled'])
})

test('what is missed is missed for a reason', () => {
  const late = { late: 2000 }
  const silent = new Box({ withSound: false })
  silent.order([occurrence('o1', NOON, late)])
  silent.pass(3000)
  assert.deepEqual(silent.fate('o1'), ['accepted', 'missed:no_audio'])

  const busy = new Box()
  busy.order([occurrence('o1', NOON), occurrence('o2', NOON + 1000, late)])
  busy.pass(5000)
  assert.equal(busy.fate('o2').at(-1), 'missed:busy')

  const off = new Box()
  off.order([occurrence('o1', NOON + 1000, late)])
  const on = off.cutPower(60_000)
  on.pass(100)
  assert.equal(on.fate('o1').at(-1), 'missed:off')

  const lost = new Box({ kind: 'rtc' })
  lost.order([occurrence('o1', NOON + 1000, late)])
  lost.pass(60_000)
  assert.deepEqual(lost.fate('o1'), ['accepted', 'ready'])
  lost.order([occurrence('o1', NOON + 1000, late)], { nz: lost.clock.newNonce() })
  lost.pass(100)
  assert.equal(lost.fate('o1').at(-1), 'missed:no_clock')

  const tardy = new Box()
  tardy.pass(5000)
  tardy.order([occurrence('o1', NOON + 1000, late)])
  tardy.pass(100)
  assert.deepEqual(tardy.fate('o1'), ['accepted', 'ready', 'missed:no_plan'])
})

test('what a revoked key ordered is stopped at once, and refused at once', () => {
  const box = new Box({ station: stationJson({ roots: [rootKey('root-1')], need: 1, kv: 1 }) })
  box.order([occurrence('o1', NOON), occurrence('o2', IN_A_MINUTE)])
  box.pass(1000)
  box.orders.take('keys', Buffer.from(signedByRoots({ v: 1, kv: 2, iat: NOON, keys: [] }, 'root-1')))
  assert.equal(box.fate('o1').at(-1), 'interrupted:key')
  assert.equal(box.fate('o2').at(-1), 'refused:key')
})

test('after the end of a plan nothing of it begins', () => {
  const box = new Box()
  box.order([occurrence('o1', NOON + 5000)], { exp: NOON + 4000 })
  box.pass(6000)
  assert.equal(box.fate('o1').at(-1), 'refused:expired')
})

test('a sound the disk has spoilt is not played but fetched anew', () => {
  const box = new Box()
  box.order([occurrence('o1', IN_A_MINUTE)])
  box.pass(1000)
  writeFileSync(join(box.at, 'sounds', SHA), 'spoilt')
  box.pass(60_000)
  assert.deepEqual(box.fate('o1'), ['accepted', 'ready'])
  assert.deepEqual(box.sounds.wanted.map(({ sha }) => sha), [SHA])
})

test('a sound comes by blocks; one not asked for or of the wrong size is dropped', () => {
  const box = new Box({ withSound: false })
  box.order([occurrence('o1', NOON)])
  box.sounds.take(SHA.slice(0, 16), 0, SOUND)
  box.sounds.turn()
  assert.deepEqual(box.sent, [['up/get', JSON.stringify({ sha: SHA, want: [0] }), { qos: 1 }]])
  box.sounds.take(SHA.slice(0, 16), 0, SOUND.subarray(1))
  box.sounds.take(SHA.slice(0, 16), 1, SOUND)
  assert.ok(!box.sounds.has(SHA))
  box.sounds.take(SHA.slice(0, 16), 0, Buffer.alloc(SOUND.length))
  assert.ok(!box.sounds.has(SHA))
  box.time.pass(5000)
  box.sounds.turn()
  box.sounds.take(SHA.slice(0, 16), 0, SOUND)
  assert.ok(box.sounds.has(SHA))
})

test('by hand a sound needs no link, no plan and no clock', () => {
  const box = new Box({ kind: 'rtc' })
  assert.match(box.broadcasts.playByHand(0), /playing/)
  box.pass(2000)
  const id = `local.0.${NOON}`
  assert.deepEqual(box.fate(id), ['started:local', 'played'])
})

test('of a flood of refusals ten are written and all are counted', () => {
  const box = new Box()
  for (let i = 0; i < 15; i++) box.order([], { rid: `r-other-${i}` })
  for (let i = 0; i < 15; i++) box.order([], { rev: i + 1, exp: 1 })
  box.time.pass(600_000)
  box.order([], { rid: 'r-other' })
  const refused = box.journal.entries().map((entry) => entry.at(-1))
  assert.equal(refused.length + refused.reduce((sum, { more = 0 }) => sum + more, 0) - 1, 31)
})
