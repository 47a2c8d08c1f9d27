import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Clock } from '../clock.mjs'
import { openCompact, Refusal } from '../jws.mjs'
import { Keys } from '../keys.mjs'
import { isQuiet, readPlan } from '../plan.mjs'
import { TONE } from '../tone.mjs'
import { Box, keyPair, machine, NOON, occurrence, rootKey, signed, signedByRoots, SHA, stationJson } from './bench.mjs'

const refusal = (why) => (error) => error instanceof Refusal && error.why === why

test('the tone is the one every receiver has', () => {
  assert.equal(TONE.n, 24_044)
  assert.equal(TONE.sha, '4a7603764d1b03f10464168a79b0bbe62499463e435dcf7f0ce8b22968b1aa3b')
})

test('a signature holds for its text and its key alone', () => {
  const jws = openCompact(signed('plan-1', { v: 1 }), 'loa-plan')
  assert.ok(jws.isSignedBy(keyPair(1).x))
  assert.ok(!jws.isSignedBy(keyPair(2).x))
})

for (const [why, header] of [
  ['bad_sig', { alg: 'none' }], ['bad_sig', { alg: 'EdDSA' }], ['bad_sig', { alg: 'HS256' }], ['bad_sig', { crit: ['b64'] }],
  ['shape', { typ: 'loa-keys' }], ['shape', { kid: 7 }]
]) {
  test(`a header with ${JSON.stringify(header)} is refused`, () => {
    const whole = { alg: 'Ed25519', kid: 'plan-1', typ: 'loa-plan', ...header }
    const [, ...rest] = signed('plan-1', {}).split('.')
    const text = [Buffer.from(JSON.stringify(whole)).toString('base64url'), ...rest].join('.')
    assert.throws(() => openCompact(text, 'loa-plan'), refusal(why))
  })
}

for (const [name, spoil] of [['padding', (text) => `${text}==`], ['a newline', (text) => `${text}\n`], ['two parts', (text) => text.split('.', 2).join('.')]]) {
  test(`a JWS with ${name} is none`, () => assert.throws(() => openCompact(spoil(signed('plan-1', {})), 'loa-plan'), refusal('shape')))
}

test('each thing wrong with a plan has its own word, and the old plan stays', () => {
  const box = new Box()
  const good = () => box.plan([])
  const takes = (text) => box.orders.take('plan', Buffer.from(text))
  takes(signed('plan-1', good()))
  const { rev } = box.orders
  takes('x'.repeat(32_769))
  takes(signed('plan-1', { ...good(), rid: 'r-other' }))
  takes(signed('plan-1', { ...good(), rev: rev - 1 }))
  takes(signed('plan-1', { ...good(), exp: box.time.at }))
  takes(signed('plan-1', { ...good(), set: { vol: 101 } }))
  takes(signed('root-1', good()))
  assert.deepEqual(box.fate('').slice(1).map((one) => one.split(':')[1]), ['too_big', 'wrong_rid', 'old_rev', 'expired', 'shape', 'bad_sig'])
  assert.equal(box.orders.rev, rev)
})

test('the same rev again changes nothing', () => {
  const box = new Box()
  const text = Buffer.from(signed('plan-1', box.plan([occurrence('o1', NOON + 1000)])))
  for (let i = 0; i < 3; i++) box.orders.take('plan', text)
  assert.equal(box.journal.newest, 2)
})

for (const [name, more] of [
  ['a number for an id', { occ: [occurrence(7, NOON)] }],
  ['an id twice', { occ: [occurrence('o1', NOON), occurrence('o1', NOON)] }],
  ['a zone nobody knows', { set: { tz: 'Asia/Atlantis' } }],
  ['an hour of 25', { set: { quiet: [['25:00', '05:00']] } }],
  ['a canned sound that is not named', { can: [{ n: 1, sha: 'f'.repeat(64) }] }]
]) {
  test(`a plan with ${name} is refused`, () => assert.throws(() => readPlan({ ...new Box().plan([]), ...more }), refusal('shape')))
}

test('quiet hours may pass midnight, and a sound may run into them', () => {
  const set = { quiet: [['22:00', '05:00']], tz: 'Asia/Ho_Chi_Minh' }
  const at = (hour, minute) => Date.UTC(2026, 0, 5, hour - 7, minute)
  assert.ok(isQuiet(at(23, 0), 1000, set))
  assert.ok(isQuiet(at(4, 59), 1000, set))
  assert.ok(!isQuiet(at(5, 0), 1000, set))
  assert.ok(!isQuiet(at(21, 59), 60_000, set))
  assert.ok(isQuiet(at(21, 59), 60_001, set))
})

test('a plan under an unknown key waits for the keys', () => {
  const box = new Box({ station: stationJson({ keys: [], roots: [rootKey('root-1')], need: 1, kv: 1 }) })
  box.order([occurrence('o1', NOON + 60_000)])
  assert.deepEqual(box.fate(''), ['refused:bad_sig'])
  const keys = [{ ...rootKey('plan-1'), roles: ['plan'], from: 0, until: NOON * 2 }]
  box.orders.take('keys', Buffer.from(signedByRoots({ v: 1, kv: 2, iat: NOON, keys }, 'root-1')))
  assert.deepEqual(box.fate(''), ['refused:bad_sig', 'keys', 'accepted'])
  assert.deepEqual(box.cutPower().orders.keys.kv, 2)
})

test('keys change hands only with the signatures of the old roots and of the new', () => {
  const keys = new Keys(stationJson({ roots: [rootKey('root-1')], need: 1, kv: 5 }), null)
  const document = { v: 1, kv: 6, iat: NOON, need: 1, roots: [rootKey('root-2')], keys: [] }
  assert.throws(() => keys.check(signedByRoots(document, 'root-1')), refusal('bad_sig'))
  assert.throws(() => keys.check(signedByRoots(document, 'root-2')), refusal('bad_sig'))
  keys.obey(keys.check(signedByRoots(document, 'root-1', 'root-2')))
  assert.throws(() => keys.check(signedByRoots({ ...document, kv: 5 }, 'root-2')), refusal('old_kv'))
  assert.equal(keys.check(signedByRoots(document, 'root-2')), null)
  assert.throws(() => new Keys(stationJson(), null).check('{}'), refusal('no_root'))
})

test('a nonce sets the clock once, while it is fresh', () => {
  const time = machine()
  const clock = new Clock('rtc', time)
  const nz = clock.newNonce()
  time.pass(1000)
  assert.equal(clock.setBy({ nz: '00', iat: NOON }), null)
  assert.deepEqual(clock.setBy({ nz, iat: NOON + 90_000 }), { why: 'nonce', step_ms: 89_500, err_ms: 500 })
  assert.equal(clock.source, 'rtc')
  const late = clock.newNonce()
  time.pass(4001)
  assert.equal(clock.setBy({ nz: late, iat: NOON }), null)
  time.pass(24 * 3_600_000)
  assert.equal(clock.source, 'none')
})

test('only an emergency key brings canned sounds; the rest of the plan holds', () => {
  const box = new Box()
  box.order([], { can: [{ n: 1, sha: SHA }] })
  assert.deepEqual(box.fate(''), ['refused:no_role', 'accepted'])
  assert.match(box.broadcasts.playByHand(1), /no whole sound/)
  box.order([], { can: [{ n: 1, sha: SHA, title: 'x' }], kid: 'alarm-1' })
  box.order([], { aud: {} })
  assert.match(box.cutPower().broadcasts.playByHand(1), /playing local\.1\./)
})
