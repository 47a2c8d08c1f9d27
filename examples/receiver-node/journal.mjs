// The receiver's evidence: entries that are on the disk before the act they describe, chained by hashes.

import { createHash, randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { writeAll, writeDurably } from './files.mjs'

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** h_0 of a journal. */
export const firstHash = (jid) => sha256('loa/1 journal ', jid)

/** h_seq, from the hash before and the exact text of the entry. */
export const nextHash = (before, entry) => sha256(before, entry)

/** A text file: the jid on the first line, then one entry per line, exactly as it will be sent. */
export class Journal {
  constructor (path, clock) {
    this.clock = clock
    this.texts = [] // entry number 1 is texts[0]
    this.boot = 0
    this.listeners = []
    if (!existsSync(path)) writeDurably(path, `${randomBytes(16).toString('hex')}\n`)
    this.file = openSync(path, 'a+')
    const lines = this.#wholeLines(path)
    this.jid = lines.shift()
    this.hashes = [firstHash(this.jid)]
    lines.forEach((line) => this.#add(line))
    this.boot = this.entries().reduce((newest, entry) => Math.max(newest, entry[5]), 0) + 1
  }

  // An entry that a power cut tore was never acted on: it is cut off.
  #wholeLines (path) {
    const bytes = readFileSync(path)
    const end = bytes.lastIndexOf('\n') + 1
    ftruncateSync(this.file, end)
    fsyncSync(this.file)
    return bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
  }

  #add (text) {
    this.texts.push(text)
    this.hashes.push(nextHash(this.hashes.at(-1), text))
  }

  get newest () { return this.texts.length }
  get head () { return this.hashes.at(-1).toString('hex') }

  entries () { return this.texts.map((text) => JSON.parse(text)) }

  /** Calls `listener(entry)` for every entry there is, and for each new one once it is on the disk. */
  follow (listener) {
    this.entries().forEach(listener)
    this.listeners.push(listener)
  }

  /** Commits an entry to the disk; only then may the caller do what it says. */
  write (code, occ = '', detail = {}) {
    const { now, source, mono } = this.clock.read()
    const entry = [this.newest + 1, occ, code, now, source, this.boot, mono, detail]
    const text = JSON.stringify(entry)
    writeAll(this.file, `${text}\n`)
    fsyncSync(this.file)
    this.#add(text)
    this.listeners.forEach((listener) => listener(entry))
  }

  close () { closeSync(this.file) }

  /** At most `limit` entries after number `acked` and at most `room` bytes, and the hash of the last of them. */
  batch (acked, limit, room) {
    const texts = []
    for (const text of this.texts.slice(acked, acked + limit)) {
      room -= Buffer.byteLength(text) + 1
      if (room < 0 && texts.length) break
      texts.push(text)
    }
    return { from: acked + 1, texts, head: this.hashes[acked + texts.length].toString('hex') }
  }
}
