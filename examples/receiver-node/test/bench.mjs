// What the tests share: a clock that only they move, a station's pens, and a receiver without a broker.

import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broadcasts } from '../broadcasts.mjs'
import { Clock } from '../clock.mjs'
import { Journal } from '../journal.mjs'
import { signer } from '../jws.mjs'
import { Refusals } from '../limits.mjs'
import { Orders } from '../orders.mjs'
import { Sounds } from '../sounds.mjs'

export const NOON = Date.UTC(2026, 0, 5, 5) // in Vietnam

export function keyPair (number) {
  const seed = Buffer.alloc(32, number)
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return { seed, x: createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' }).x }
}

const pairs = { 'plan-1': keyPair(1), 'alarm-1': keyPair(2), 'root-1': keyPair(3), 'root-2': keyPair(4) }

export const rootKey = (kid) => ({ kid, x: pairs[kid].x })

export const stationJson = (more = {}) => ({
  rid: 'r-test',
  keys: [{ ...rootKey('plan-1'), roles: ['plan'] }, { ...rootKey('alarm-1'), roles: ['plan', 'emergency'] }],
  ...more
})

export const signed = (kid, payload, typ = 'loa-plan') => signer(kid, pairs[kid].seed)(typ, JSON.stringify(payload))

export function signedByRoots (payload, ...kids) {
  const signatures = kids.map((kid) => {
    const [head, , signature] = signed(kid, payload, 'loa-keys').split('.')
    return { protected: head, signature }
  })
  return JSON.stringify({ payload: Buffer.from(JSON.stringify(payload)).toString('base64url'), signatures })
}

export function machine (wall = NOON) {
  const start = wall
  return { at: wall, wall () { return this.at }, mono () { return this.at - start }, pass (ms) { this.at += ms } }
}

const folders = mkdtempSync(join(tmpdir(), 'receiver-node-'))
process.once('exit', () => rmSync(folders, { recursive: true }))

const folder = () => mkdtempSync(join(folders, 'box-'))

export const SOUND = Buffer.from('ID3 a sound of ten seconds')
export const SHA = createHash('sha256').update(SOUND).digest('hex')

/** All of a receiver that needs no broker; made anew on the same folder it is the one after a power cut. */
export class Box {
  constructor ({ at = folder(), time = machine(), station = stationJson(), kind = 'ntp', withSound = true } = {}) {
    Object.assign(this, { at, time, station, rev: 0, sent: [] })
    const clock = this.clock = new Clock(kind, time)
    const journal = this.journal = new Journal(join(at, 'journal'), clock)
    const link = { isUp: true, publish: (...sent) => this.sent.push(sent), subscribe: (topic, qos, done) => done(), unsubscribe () {} }
    this.sounds = new Sounds(join(at, 'sounds'), clock, link)
    if (withSound) writeFileSync(join(at, 'sounds', SHA), SOUND)
    this.orders = new Orders(at, station, {
      clock, journal, refusals: new Refusals(journal, clock), onPlan: () => this.broadcasts.settle(), onKeys: () => this.broadcasts.judgeKeys()
    })
    this.broadcasts = new Broadcasts({ clock, journal, orders: this.orders, sounds: this.sounds })
    this.broadcasts.settle()
  }

  plan (occ, more = {}) {
    const set = { quiet: [['22:00', '05:00']], tz: 'Asia/Ho_Chi_Minh' }
    const now = this.time.at
    return { v: 1, rid: 'r-test', rev: now + ++this.rev, iat: now, exp: now + 1e8, hz: now + 1e8, set, aud: { [SHA]: { n: SOUND.length, ms: 10_000 } }, occ, ...more }
  }

  order (occ, { kid = 'plan-1', ...more } = {}) {
    this.orders.take('plan', Buffer.from(signed(kid, this.plan(occ, more))))
  }

  /** Lets time pass in steps of a tenth of a second. */
  pass (ms) {
    for (let left = ms; left >= 0; left -= 100) {
      this.broadcasts.turn()
      if (left) this.time.pass(Math.min(100, left))
    }
  }

  cutPower (ms = 1000) {
    const time = machine(this.time.at)
    time.pass(ms) // the machine starts at once, and takes long to start the program
    return Object.assign(new Box({ at: this.at, time, station: this.station }), { rev: this.rev })
  }

  /** `code` or `code:why` of each entry of an occurrence. */
  fate (id) {
    return this.journal.entries().filter(([, occ]) => occ === id).map(([,, code,,,,, { why }]) => why ? `${code}:${why}` : code)
  }
}

export const occurrence = (id, at, more = {}) => ({ id, at, late: 60_000, end: at + 3_600_000, sha: SHA, ...more })
