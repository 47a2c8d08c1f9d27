// The journal on its way to the station: one batch at a time, again until the station says it holds it.

import { readJson, writeDurably } from './files.mjs'
import { readObject } from './jws.mjs'
import { Bucket } from './limits.mjs'

const ENTRIES = 20
const ROOM = 11_500 // bytes: signed and in base64url that is less than 16 KiB
const PATIENCE = 30_000 // ms until a batch is sent again
const LEAST_WAIT = 2_000 // ms before an `evack` without progress makes it do so earlier

export class Evidence {
  constructor (path, rid, { journal, clock, link, sign }) {
    Object.assign(this, { path, rid, journal, clock, link, sign, sendAt: 0, sentAt: -Infinity })
    const kept = readJson(path, { jid: '', acked: 0 })
    this.acked = kept.jid === journal.jid ? Math.min(kept.acked, journal.newest) : 0
    this.bucket = new Bucket(60, 10, clock)
  }

  /** A new connection: what was under way is sent again. */
  begin () { this.sendAt = 0 }

  turn () {
    if (!this.link.isUp || this.acked >= this.journal.newest) return 1000
    const mono = this.clock.mono()
    if (mono >= this.sendAt) this.#send(mono)
    return this.sendAt - mono
  }

  #send (mono) {
    const { now, source } = this.clock.read()
    const { from, texts, head } = this.journal.batch(this.acked, ENTRIES, ROOM)
    const rest = { v: 1, rid: this.rid, jid: this.journal.jid, from, head, now, mono, boot: this.journal.boot, src: source }
    // The entries go into the text as they are: serialized anew they might not be the bytes that were hashed.
    const payload = `${JSON.stringify(rest).slice(0, -1)},"e":[${texts.join(',')}]}`
    this.link.publish('up/evt', this.sign('loa-events', payload), { qos: 1 })
    Object.assign(this, { sentAt: mono, sendAt: mono + PATIENCE })
  }

  /** `evack`: the station holds everything up to `upto`, or has lost what came after it (`rw`). */
  take (bytes) {
    if (!this.bucket.take()) return
    const { jid, upto, rw = false } = readObject(bytes)
    if (jid !== this.journal.jid || !Number.isSafeInteger(upto) || upto < 0 || upto > this.journal.newest) return
    if (upto > this.acked || (rw === true && upto < this.acked)) this.#goOnFrom(upto)
    else if (upto === this.acked && this.clock.mono() - this.sentAt >= LEAST_WAIT) this.sendAt = 0
  }

  #goOnFrom (upto) {
    const isBack = upto < this.acked
    this.acked = upto
    writeDurably(this.path, JSON.stringify({ jid: this.journal.jid, acked: upto }))
    this.sendAt = isBack ? this.sentAt + LEAST_WAIT : 0
  }
}
