// Sounds on the disk, and how they come: block by block over MQTT, hashed when whole, the most urgent first.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeDurably } from './files.mjs'
import { Bucket } from './limits.mjs'
import { TONE } from './tone.mjs'

const BLOCK = 65_536
const AT_ONCE = 8
const PATIENCE = 5_000 // ms without a block before it asks again, doubled up to
const MOST_PATIENCE = 60_000
const LONGEST_REST = 600_000 // ms until a sound that came wrong is fetched again

export class Sounds {
  constructor (folder, clock, link) {
    Object.assign(this, { folder, clock, link, wanted: [], now: null })
    this.whole = new Map() // sha → is it? as far as it was looked at
    this.askFrom = new Map() // sha → mono of its next request
    this.waits = new Map() // sha → how long it waits for blocks
    this.wrong = new Map() // sha → how often it came with a wrong hash
    this.bucket = new Bucket(20, 4, clock)
    mkdirSync(folder, { recursive: true })
  }

  #file (sha) { return join(this.folder, sha) }
  #part (sha, i = '') { return join(this.folder, `${sha}.parts`, String(i)) }

  /** Is it all here, with the right hash? Said from memory, once it was read. */
  has (sha) { return this.whole.get(sha) ?? this.check(sha) }

  /** Reads and hashes it anew: what the disk has spoilt is thrown away. */
  check (sha) {
    if (sha === TONE.sha) return true
    const path = this.#file(sha)
    const isWhole = existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === sha
    if (!isWhole) rmSync(path, { force: true })
    this.whole.set(sha, isWhole)
    return isWhole
  }

  /** Is it a kind of sound at all? A player with a decoder would decode it here. */
  isSound (sha) {
    if (sha === TONE.sha) return true
    const start = readFileSync(this.#file(sha)).subarray(0, 4)
    const name = start.toString('latin1')
    const isFrame = start[0] === 0xff && (start[1] & 0xe0) === 0xe0
    return isFrame || ['RIFF', 'OggS', 'fLaC'].includes(name) || name.startsWith('ID3')
  }

  /** Did it come whole, and every time as something else? */
  isOnlyWrong (sha) { return this.wrong.has(sha) && !this.has(sha) }

  /**
   * What is wanted from now on, the first of the list first: `{sha, n, spread}`, its length in bytes and the longest that its
   * first request waits. What is not in the set `named` is given back to the disk.
   */
  want (wanted, named) {
    this.wanted = wanted.filter(({ sha }) => !this.has(sha))
    for (const { sha, spread } of this.wanted) {
      const from = this.clock.mono() + Math.random() * spread
      this.askFrom.set(sha, Math.min(from, this.askFrom.get(sha) ?? Infinity))
    }
    for (const name of readdirSync(this.folder)) if (!named.has(name.slice(0, 64))) this.#forget(name)
  }

  #forget (name) {
    rmSync(join(this.folder, name), { recursive: true, force: true })
    for (const map of [this.whole, this.askFrom, this.waits, this.wrong]) map.delete(name.slice(0, 64))
  }

  /** Fetches on; gives the ms after which it wants to be asked again. */
  turn () {
    const mono = this.clock.mono()
    if (!this.link.isUp) this.now = null
    else if (this.now && mono >= this.now.askAt) this.#askOrRest(mono)
    const next = this.link.isUp ? this.wanted.find(({ sha }) => this.askFrom.get(sha) <= mono) : undefined
    if (next?.sha !== this.now?.sha) this.#change(next)
    return this.now ? 100 : 1000
  }

  #topic (sha) { return `loa/1/audio/${sha.slice(0, 16)}/#` }

  #change (next) {
    if (this.now) this.link.unsubscribe(this.#topic(this.now.sha))
    this.now = next ? { ...next, missing: this.#missing(next), asked: new Set(), askAt: Infinity, isAsked: false } : null
    const { now } = this
    if (!now) return
    if (!now.missing.size) return this.#join()
    mkdirSync(this.#part(now.sha), { recursive: true })
    this.link.subscribe(this.#topic(now.sha), 0, () => this.now === now && this.#ask())
  }

  #missing ({ sha, n }) {
    const isHere = (i) => existsSync(this.#part(sha, i)) && statSync(this.#part(sha, i)).size === sizeOf(i, n)
    return new Set(Array.from({ length: Math.ceil(n / BLOCK) }, (_, i) => i).filter((i) => !isHere(i)))
  }

  #ask () {
    const { now } = this
    now.isAsked = this.bucket.take()
    now.askAt = this.clock.mono() + (now.isAsked ? PATIENCE : 250)
    if (!now.isAsked) return
    now.asked = new Set([...now.missing].slice(0, AT_ONCE))
    this.link.publish('up/get', JSON.stringify({ sha: now.sha, want: [...now.asked] }), { qos: 1 })
  }

  // No block came: it asks again after 5 s, and then rests longer and longer, while others have their turn.
  #askOrRest (mono) {
    const { sha, isAsked } = this.now
    const wait = this.waits.get(sha) ?? PATIENCE
    if (isAsked) this.waits.set(sha, Math.min(2 * wait, MOST_PATIENCE))
    if (!isAsked || wait === PATIENCE) this.#ask()
    else this.askFrom.set(sha, mono + wait - PATIENCE)
  }

  /** A block that came; of another sound, beyond its end, or not as long as it must be, it is dropped. */
  take (sha16, i, bytes) {
    const { now } = this
    if (now?.sha.slice(0, 16) !== sha16 || !now.missing.has(i) || bytes.length !== sizeOf(i, now.n)) return
    writeFileSync(this.#part(now.sha, i), bytes) // not yet synced: the hash will tell
    now.missing.delete(i)
    this.waits.delete(now.sha)
    now.askAt = this.clock.mono() + PATIENCE
    if (!now.missing.size) this.#join()
    else if (now.asked.delete(i) && !now.asked.size) this.#ask()
  }

  #join () {
    const { sha, n } = this.now
    const blocks = Array.from({ length: Math.ceil(n / BLOCK) }, (_, i) => readFileSync(this.#part(sha, i)))
    writeDurably(this.#file(sha), ...blocks)
    rmSync(this.#part(sha), { recursive: true })
    this.#change()
    if (this.check(sha)) this.wanted = this.wanted.filter((one) => one.sha !== sha)
    else this.#again(sha)
  }

  // Thrown away, and fetched again, less and less often.
  #again (sha) {
    const times = this.wrong.get(sha) ?? 0
    this.wrong.set(sha, times + 1)
    this.askFrom.set(sha, this.clock.mono() + Math.min(PATIENCE * 2 ** times, LONGEST_REST))
  }
}

const sizeOf = (i, n) => Math.min(BLOCK, n - i * BLOCK)
