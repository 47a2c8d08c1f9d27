// How much a receiver takes, sends and writes down, whatever it is sent.

import { createHash } from 'node:crypto'

/** `burst` at once, then `rate` a second. */
export class Bucket {
  constructor (burst, rate, clock) {
    Object.assign(this, { burst, rate, clock, level: burst, at: clock.mono() })
  }

  take () {
    const mono = this.clock.mono()
    this.level = Math.min(this.burst, this.level + (mono - this.at) * this.rate / 1000)
    this.at = mono
    if (this.level < 1) return false
    this.level -= 1
    return true
  }
}

const WINDOW = 600_000 // ms
const WRITTEN = 10

/** Journals refusals of messages: ten in ten minutes, each different message once; the rest is counted. */
export class Refusals {
  constructor (journal, clock) {
    Object.assign(this, { journal, clock, since: null, seen: new Set(), more: 0 })
  }

  note (bytes, why, detail = {}) {
    this.turn()
    this.since ??= this.clock.mono()
    const name = createHash('sha256').update(bytes).digest('hex')
    if (this.seen.has(name) || this.seen.size >= WRITTEN) {
      Object.assign(this, { more: this.more + 1, last: why })
    } else {
      this.seen.add(name)
      this.journal.write('refused', '', { why, ...detail })
    }
  }

  /** When the ten minutes since the first are over, says how many were not written. */
  turn () {
    if (this.since === null || this.clock.mono() - this.since < WINDOW) return
    if (this.more) this.journal.write('refused', '', { why: this.last, more: this.more })
    Object.assign(this, { since: null, seen: new Set(), more: 0 })
  }
}
