// Presence: what the receiver says of itself at birth, on change, and every `hb` seconds. A hint, never evidence.

import { statfsSync } from 'node:fs'
import { readJson, writeDurably } from './files.mjs'
import { monthOf } from './plan.mjs'

const CALM = 500 // ms between two states said because something changed; new orders are told at once
const ASKING = 15_000 // ms between two states while it asks for the time
const COUNTED = 900_000 // ms: how much of the traffic's count a power cut may lose
const FIRMWARE = 'receiver-node 1'

export class State {
  constructor (folder, { clock, journal, orders, broadcasts, sounds, evidence, link }) {
    Object.assign(this, { folder, clock, journal, orders, broadcasts, sounds, evidence, link, next: 0, saidAt: 0, said: {}, keepAt: COUNTED })
    this.net = readJson(`${folder}/net.json`, null)
  }

  // What a listener at the station should not have to wait a heartbeat for.
  #summary () {
    const { orders, clock, broadcasts } = this
    return {
      rev: orders.rev,
      kv: orders.keys.kv,
      src: clock.source,
      vol: orders.volume,
      play: broadcasts.playing?.id ?? null,
      can: orders.canned.filter(({ sha }) => this.sounds.has(sha)).length,
      ...broadcasts.count()
    }
  }

  #whole () {
    const { clock, journal, evidence, link } = this
    return {
      v: 1,
      on: 1,
      sid: link.sid,
      boot: journal.boot,
      jid: journal.jid,
      n: journal.newest,
      acked: evidence.acked,
      head: journal.head,
      t: clock.now(),
      err_ms: clock.error,
      ...clock.asks && { nonce: clock.newNonce() },
      up: clock.mono(),
      fw: FIRMWARE,
      disk: this.#diskUsed(),
      pwr: 'unk',
      out: 'ok',
      net: this.net,
      ...this.#summary()
    }
  }

  #diskUsed () {
    const { blocks, bavail } = statfsSync(this.folder)
    return blocks ? Math.round((1 - bavail / blocks) * 1000) / 1000 : 0
  }

  /** A new connection. */
  begin () { this.#say(1) }

  turn () {
    this.#count()
    if (!this.link.isUp) return 1000
    const mono = this.clock.mono()
    const summary = this.#summary()
    const hasNewOrders = summary.rev !== this.said.rev || summary.kv !== this.said.kv
    const hasChanged = JSON.stringify(summary) !== JSON.stringify(this.said)
    const isCalm = mono - this.saidAt >= CALM
    if (mono >= this.next || hasNewOrders || (hasChanged && isCalm)) this.#say(0)
    return hasChanged ? CALM : 1000
  }

  #say (qos) {
    const mono = this.clock.mono()
    const beat = this.orders.settings.hb * 1000 * (0.8 + 0.4 * Math.random())
    this.said = this.#summary()
    Object.assign(this, { saidAt: mono, next: mono + (this.clock.asks ? Math.min(beat, ASKING) : beat) })
    this.link.publish('up/state', JSON.stringify(this.#whole()), { qos, retain: true })
  }

  // The bytes of this month, both ways.
  #count () {
    const month = monthOf(this.clock.now(), this.orders.settings)
    const before = this.net?.[0] === month ? this.net[1] : 0
    this.net = [month, before + this.link.bytes]
    this.link.bytes = 0
    if (this.clock.mono() >= this.keepAt) this.keep()
  }

  keep () {
    this.keepAt = this.clock.mono() + COUNTED
    writeDurably(`${this.folder}/net.json`, JSON.stringify(this.net))
  }
}
