// The receiver's clock, and whom it is from. A fake `machine` of the same shape makes it a clock for tests.

import { randomBytes } from 'node:crypto'

const HOUR = 3_600_000
const BELIEVED = 24 * HOUR // how long a clock put right by the station is believed
const CONTENT = 12 * HOUR // how long it does not ask again
const FRESH = 4_000 // how old a nonce may be that comes back
const STEP = 1_000 // a smaller difference is a clock being tuned, no step

/** The machine's own, counting `mono` from now on. */
function machineClock () {
  const boot = performance.now()
  return { wall: () => Date.now(), mono: () => Math.round(performance.now() - boot) }
}

export class Clock {
  /** `kind` is `ntp`, or `rtc` for a clock that only the station puts right: nothing is known of it at each start. */
  constructor (kind, machine = machineClock()) {
    this.machine = machine
    this.kind = kind
    this.offset = 0
    this.setAt = null // mono of the moment the station put it right
    this.error = 0
    this.nonce = null
    this.seen = [machine.wall(), machine.mono()]
  }

  now () { return this.machine.wall() + this.offset }
  mono () { return this.machine.mono() }
  get source () {
    if (this.kind === 'ntp') return 'ntp'
    return this.setAt !== null && this.mono() - this.setAt < BELIEVED ? 'rtc' : 'none'
  }

  get isSet () { return this.source !== 'none' }
  get asks () { return this.kind !== 'ntp' && (!this.isSet || this.mono() - this.setAt > CONTENT) }
  read () { return { now: this.now(), source: this.source, mono: this.mono() } }

  /** A nonce for the state that is about to be said. */
  newNonce () {
    if (!this.nonce || this.mono() - this.nonce.said >= FRESH) {
      this.nonce = { text: randomBytes(16).toString('hex'), said: this.mono() }
    }
    return this.nonce.text
  }

  /** Sets the clock by a verified plan that answers the last nonce; gives the journal's detail, or null. */
  setBy ({ nz, iat }) {
    const took = this.nonce && this.mono() - this.nonce.said
    if (!nz || nz !== this.nonce?.text || took > FRESH || !Number.isSafeInteger(iat)) return null
    const half = Math.ceil(took / 2)
    const step = iat + half - this.now()
    this.offset += step
    this.setAt = this.mono()
    this.error = half
    this.nonce = null
    return { why: 'nonce', step_ms: step, err_ms: half }
  }

  /** By how much the machine's clock has jumped since this was last asked, or 0 for less than a second. */
  stepped () {
    const [wall, mono] = this.seen
    this.seen = [this.machine.wall(), this.machine.mono()]
    const step = Math.round(this.seen[0] - wall - (this.seen[1] - mono))
    return Math.abs(step) > STEP ? step : 0
  }
}
