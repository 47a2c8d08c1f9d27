// What the station orders: keys documents and plans, each checked in the protocol's order and kept before it is obeyed.

import { readJson, writeDurably } from './files.mjs'
import { openCompact, readObject, Refusal } from './jws.mjs'
import { Keys } from './keys.mjs'
import { Bucket } from './limits.mjs'
import { readPlan, readSettings } from './plan.mjs'

const LARGEST = { plan: 32_768, keys: 8_192 }

export class Orders {
  /** `onPlan()` and `onKeys()` are called when the new ones are on the disk. */
  constructor (folder, station, { clock, journal, refusals, onPlan, onKeys }) {
    Object.assign(this, { rid: station.rid, clock, journal, refusals, onPlan, onKeys, aside: null })
    this.path = (name) => `${folder}/${name}.json`
    this.bucket = new Bucket(200, 50, clock)
    this.keys = new Keys(station, readJson(this.path('keys'), null))
    const { by, text } = readJson(this.path('plan'), {})
    Object.assign(this, { by, plan: text ? readPlan(readObject(text)) : null })
    this.canned = readJson(this.path('canned'), [])
  }

  get rev () { return this.plan?.rev ?? 0 }
  get settings () { return this.plan?.set ?? readSettings({}) }
  get volume () { return this.settings.mute ? 0 : this.settings.vol }

  /** Volume of one occurrence, which may have a cap of its own; an emergency is never made softer. */
  volumeOf ({ cls, vol }) { return cls === 'E' || vol === undefined ? this.volume : Math.min(this.volume, vol) }

  /** May what the plan orders be begun now? */
  get isUnderGoodKey () { return this.keys.isInTime(this.by, this.clock) }
  get isEmergency () { return this.keys.isEmergency(this.by) }
  get isOver () { return this.clock.isSet && this.clock.now() >= this.plan.exp }

  /** A message under `dn/plan` or `dn/keys`. Whatever is wrong with it, the old one stays. */
  take (kind, bytes) {
    if (!bytes.length || !this.bucket.take()) return // cleared, or dropped unread
    try {
      if (bytes.length > LARGEST[kind]) throw new Refusal('too_big')
      if (kind === 'keys') this.#takeKeys(bytes)
      else this.#takePlan(bytes)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.refusals.note(bytes, error.why, error.detail)
    }
  }

  #takeKeys (bytes) {
    const document = this.keys.check(bytes.toString())
    if (!document) return
    writeDurably(this.path('keys'), JSON.stringify(this.keys.toKeep(document)))
    this.keys.obey(document)
    this.journal.write('keys', '', { kv: this.keys.kv })
    this.onKeys()
    const { aside } = this
    this.aside = null
    if (aside) this.take('plan', aside)
  }

  #takePlan (bytes) {
    const jws = openCompact(bytes.toString(), 'loa-plan')
    const key = this.keys.find(jws.kid)
    if (!key) this.aside = bytes // the keys may come after the plan: a broker has no order
    if (!key || !jws.isSignedBy(key.x)) throw new Refusal('bad_sig')
    if (!this.keys.holds(key)) throw new Refusal('no_role')
    const raw = readObject(jws.payload)
    if (typeof raw.rid !== 'string' || !Number.isSafeInteger(raw.rev)) throw new Refusal('shape')
    if (raw.rid !== this.rid) throw new Refusal('wrong_rid', { rev: raw.rev })
    if (raw.rev < this.rev) throw new Refusal('old_rev', { rev: raw.rev })
    if (raw.rev > this.rev) this.#takeNew(readPlan(raw), jws.payload.toString(), key, bytes)
  }

  #takeNew (plan, text, key, bytes) {
    const { rev } = plan
    const detail = this.clock.setBy(plan)
    if (detail) this.journal.write('clock', '', detail)
    if (this.clock.isSet && this.clock.now() >= plan.exp) throw new Refusal('expired', { rev })
    if (!this.keys.isInTime(key, this.clock)) {
      this.aside = bytes
      throw new Refusal('key', { rev })
    }
    if (plan.can) this.#takeCanned(plan, key, bytes)
    const by = { kid: key.kid, x: key.x }
    writeDurably(this.path('plan'), JSON.stringify({ by, text }))
    Object.assign(this, { by, plan })
    this.onPlan()
  }

  #takeCanned ({ rev, can, aud }, key, bytes) {
    if (!this.keys.isEmergency(key)) return this.refusals.note(bytes, 'no_role', { of: 'can', rev })
    const canned = can.map(({ n, sha, title }) => ({ n, sha, title, size: aud[sha].n, ms: aud[sha].ms }))
    writeDurably(this.path('canned'), JSON.stringify(canned))
    this.canned = canned
  }
}
