#!/usr/bin/env node
// A toy receiver for the protocol loa/1: `node receiver.mjs FOLDER`, and by hand `node receiver.mjs FOLDER play 1`.

import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Broadcasts } from './broadcasts.mjs'
import { Clock } from './clock.mjs'
import { Evidence } from './evidence.mjs'
import { readJson, writeDurably } from './files.mjs'
import { askByHand, listenByHand } from './hand.mjs'
import { Journal } from './journal.mjs'
import { Refusal, signer } from './jws.mjs'
import { Refusals } from './limits.mjs'
import { Link } from './link.mjs'
import { Orders } from './orders.mjs'
import { Sounds } from './sounds.mjs'
import { State } from './state.mjs'

const BLOCK = /^loa\/1\/audio\/([0-9a-f]{16})\/(\d{1,4})$/

export class Receiver {
  /** `why` it begins, for the journal. */
  constructor (folder, why = 'start') {
    this.folder = folder
    const identity = readJson(join(folder, 'identity.json'))
    const station = { ...readJson(join(folder, 'station.json')), rid: identity.rid }
    const sign = signer(identity.rid, Buffer.from(readFileSync(join(folder, 'receiver.key'), 'latin1'), 'base64url'))
    const clock = this.clock = new Clock(process.env.LOA_CLOCK === 'none' ? 'rtc' : identity.clock)
    const journal = this.journal = new Journal(join(folder, 'journal'), clock)
    journal.write('boot', '', { why })
    const refusals = this.refusals = new Refusals(journal, clock)
    const link = this.link = new Link(folder, station, { onUp: () => this.#begin(), onMessage: (...message) => this.#take(...message) })
    const sounds = this.sounds = new Sounds(join(folder, 'sounds'), clock, link)
    const orders = this.orders = new Orders(folder, station, {
      clock, journal, refusals, onPlan: () => this.broadcasts.settle(), onKeys: () => this.broadcasts.judgeKeys()
    })
    const broadcasts = this.broadcasts = new Broadcasts({ clock, journal, orders, sounds })
    const evidence = this.evidence = new Evidence(join(folder, 'acked.json'), identity.rid, { journal, clock, link, sign })
    this.state = new State(folder, { clock, journal, orders, broadcasts, sounds, evidence, link })
    this.mine = `loa/1/${identity.rid}/dn/`
    this.heeded = readJson(join(folder, 'boot.json'), null)
    if (orders.plan) this.#heed(orders.settings.boot) // it has only just begun
  }

  start () {
    this.broadcasts.settle() // what a power cut left undone of the newest plan
    this.link.open()
    this.turn()
  }

  #begin () {
    this.evidence.begin()
    this.state.begin()
    this.turn()
  }

  #take (topic, bytes) {
    if (this.isStopped) return
    const block = BLOCK.exec(topic)
    if (block) this.sounds.take(block[1], Number(block[2]), bytes)
    else if (topic === `${this.mine}evack`) this.#takeEvack(bytes)
    else if (topic === `${this.mine}plan` || topic === `${this.mine}keys`) this.#takeOrder(topic.slice(this.mine.length), bytes)
    this.turn()
  }

  #takeEvack (bytes) {
    try {
      this.evidence.take(bytes)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error // no object: dropped, the heartbeat brings another
    }
  }

  #takeOrder (kind, bytes) {
    this.broadcasts.turn() // what was due before this order is judged by the one before it
    this.orders.take(kind, bytes)
  }

  /** Does all that is due and sleeps until something is due again, a second at most. */
  turn () {
    clearTimeout(this.timer)
    if (this.isStopped) return
    const step = this.clock.stepped()
    if (step) this.#onStep(step)
    this.refusals.turn()
    const parts = [this.broadcasts, this.sounds, this.evidence, this.state]
    const wait = Math.min(...parts.map((part) => part.turn()))
    this.timer = setTimeout(() => this.turn(), wait)
    if (this.#isAskedToBegin()) this.stop(() => begin(this.folder, 'asked'))
  }

  // Has a plan newer than the first one raised `set.boot`? Then it begins anew, once nothing sounds.
  #isAskedToBegin () {
    const { plan, settings } = this.orders
    if (!plan || this.broadcasts.playing || settings.boot <= (this.heeded ?? -1)) return false
    const isFirst = this.heeded === null
    this.#heed(settings.boot)
    return !isFirst
  }

  #heed (boot) {
    if (boot <= (this.heeded ?? -1)) return
    this.heeded = boot
    writeDurably(join(this.folder, 'boot.json'), JSON.stringify(boot))
  }

  #onStep (step) {
    this.journal.write('clock', '', { why: 'step', step_ms: step })
    this.broadcasts.stepped()
  }

  byHand (word, number) {
    const answer = word === 'stop' ? this.broadcasts.stopByHand() : this.broadcasts.playByHand(word === 'tone' ? 0 : number)
    this.turn()
    return answer
  }

  /** Ends in good order, then calls `after`. */
  stop (after) {
    if (this.isStopped) return
    clearTimeout(this.timer)
    this.isStopped = true
    this.broadcasts.close()
    this.state.keep()
    this.journal.close()
    this.link.close(after)
  }
}

let receiver
let isEnding = false

function begin (folder, why) {
  if (isEnding) process.exit(0)
  receiver = new Receiver(folder, why)
  receiver.start()
}

function end () {
  isEnding = true
  receiver.stop(() => process.exit(0))
}

function main ([folder, ...words]) {
  if (!folder || !existsSync(join(folder, 'identity.json'))) {
    console.error('usage: node receiver.mjs FOLDER [play NUMBER | tone | stop]; FOLDER holds identity.json, receiver.key and station.json')
    process.exit(2)
  }
  if (words.length) return askByHand(folder, words)
  process.umask(0o077) // what it keeps, and the socket that plays by hand, are this user's alone
  begin(folder)
  listenByHand(folder, (word, number) => receiver.byHand(word, number))
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, end)
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2))
