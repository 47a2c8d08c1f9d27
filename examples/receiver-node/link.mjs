// The line to the broker: the only file that knows MQTT.js.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'

const LONGEST_WAIT = 30_000
const GOODBYE = 3_000 // ms
const KEEPALIVE = 60 // s

export class Link {
  /** `station` is station.json; `onUp()` comes after every subscribe, `onMessage(topic, bytes)` for every message. */
  constructor (folder, station, { onUp, onMessage }) {
    Object.assign(this, { folder, station, onUp, onMessage, rid: station.rid, isUp: false, tries: 0, bytes: 0 })
  }

  /** A client for each connection: each has a `sid` and so a will of its own, and nothing waits in it from before. */
  open () {
    const { host, port, username, password, tls } = this.station.mqtt
    this.sid = randomBytes(8).toString('hex')
    const client = this.client = mqtt.connect({
      ...{ host, port, username, password, protocol: tls ? 'mqtts' : 'mqtt', ...this.#authorities() },
      ...{ clientId: this.rid, clean: true, protocolVersion: 4, keepalive: KEEPALIVE, connectTimeout: 10_000 },
      ...{ reconnectPeriod: 0, resubscribe: false, queueQoSZero: false },
      will: { topic: this.#mine('up/state'), payload: this.#lastWord(), qos: 1, retain: true }
    })
    client.on('error', (error) => console.error(`${host}:${port}: ${error.message || error.code}`)) // `close` follows
    client.on('connect', () => client.subscribe(this.#mine('dn/#'), { qos: 1 }, (error) => this.#onSubscribed(error)))
    client.on('message', (topic, bytes) => this.#onMessage(topic, bytes))
    client.once('close', () => this.#onDown(client))
  }

  #authorities () {
    const { tls, ca_file: file } = this.station.mqtt
    return tls && file ? { ca: readFileSync(join(this.folder, file)) } : {}
  }

  #mine (name) { return `loa/1/${this.rid}/${name}` }
  #lastWord () { return JSON.stringify({ v: 1, on: 0, sid: this.sid }) }

  #onSubscribed (error) {
    if (error) return this.client.end(true)
    Object.assign(this, { isUp: true, tries: 0 })
    this.onUp()
  }

  #onMessage (topic, bytes) {
    this.bytes += topic.length + bytes.length
    this.onMessage(topic, bytes)
  }

  #onDown (client) {
    this.isUp = false
    client.end(true)
    if (this.isClosing) return
    const most = Math.min(1000 * 2 ** this.tries++, LONGEST_WAIT)
    this.timer = setTimeout(() => this.open(), Math.random() * most)
  }

  /** Sends under `loa/1/<rid>/`; what cannot be sent now is not kept: the state and the journal say it again. */
  publish (name, text, options = {}) {
    if (!this.isUp) return
    const topic = this.#mine(name)
    this.bytes += topic.length + Buffer.byteLength(text)
    this.client.publish(topic, text, options, () => {})
  }

  subscribe (topic, qos, onDone) {
    if (this.isUp) this.client.subscribe(topic, { qos }, (error) => error || onDone())
  }

  unsubscribe (topic) {
    if (this.isUp) this.client.unsubscribe(topic, () => {})
  }

  /** Says goodbye itself, for a proper end brings no will; a broker that does not answer keeps nobody. */
  close (onDone) {
    this.isClosing = true
    clearTimeout(this.timer)
    if (!this.isUp) return this.client.end(true, onDone)
    const patience = setTimeout(() => this.client.stream.destroy(), GOODBYE)
    this.client.once('close', () => {
      clearTimeout(patience)
      onDone()
    })
    this.client.publish(this.#mine('up/state'), this.#lastWord(), { qos: 1, retain: true }, () => this.client.end())
  }
}
