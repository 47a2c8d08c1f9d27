// What becomes of each occurrence. Its fate is its newest entry in the journal, which is all that is remembered of it.

import { isQuiet } from './plan.mjs'
import { TONE } from './tone.mjs'

const OPEN = ['accepted', 'ready']
const MAY_COME_BACK = ['cancelled', 'refused']
const RANK = { N: 0, P: 1, E: 2 }
const SECOND = 1000

export class Broadcasts {
  constructor ({ clock, journal, orders, sounds }) {
    Object.assign(this, { clock, journal, orders, sounds, fates: new Map(), playing: null, rev: 0 })
    this.ready = new Map() // id → sha that was said to be ready since this start
    this.shas = new Map() // id → sha under the newest plan
    this.bootAt = clock.mono()
    this.clockSince = clock.isSet ? 0 : null // since when the clock has been right, by itself
    journal.follow((entry) => this.#remember(entry))
    for (const [id, { code }] of this.fates) if (code === 'started') this.#write('interrupted', id, { why: 'power' })
  }

  #remember ([, occ, code, t, src,,, { why, rev }]) {
    if (!occ && code === 'accepted') this.rev = rev
    if (!occ) return
    const { began, acceptedAt } = this.fates.get(occ) ?? {}
    const cameAt = code === 'accepted' ? { acceptedAt: src === 'none' ? 0 : t } : { acceptedAt }
    this.fates.set(occ, { code, why, began: began || code === 'started', ...cameAt })
  }

  #write (code, id, detail = {}) { this.journal.write(code, id, detail) }
  #isOpen (id) { return OPEN.includes(this.fates.get(id)?.code) }

  // Interrupted, and to begin again from its beginning.
  #isWaiting ({ id, onint, end }) {
    return onint === 'restart' && this.fates.get(id)?.code === 'interrupted' && this.clock.now() <= end
  }

  get #toCome () {
    return (this.orders.plan?.occ ?? []).filter((occ) => occ.st === 'on' && (this.#isOpen(occ.id) || this.#isWaiting(occ)))
  }

  #sound ({ sha }) { return sha === TONE.sha ? TONE : this.orders.plan.aud[sha] }
  #startOf (occ) { return occ.at + this.orders.settings.delay_ms }
  #lastStartOf (occ) { return Math.min(this.#startOf(occ) + Math.max(occ.late, SECOND), occ.end) }

  // --- the plan ---

  /** Goes through a plan that is on the disk; doing it twice changes nothing. */
  settle () {
    const { plan } = this.orders
    if (!plan) return
    if (this.rev !== plan.rev) this.#write('accepted', '', { rev: plan.rev, ...plan.chk && { n: plan.chk.n, h: plan.chk.h } })
    const named = new Map(plan.occ.map((occ) => [occ.id, occ.sha]))
    for (const id of this.fates.keys()) if (!named.has(id) && this.#isOpen(id)) this.#write('cancelled', id)
    for (const occ of plan.occ) this.#settleOne(occ, this.fates.get(occ.id))
    this.shas = named
    this.#fetch()
  }

  #settleOne (occ, fate) {
    const { id } = occ
    if (occ.st === 'off') return this.#callOff(id, fate)
    const isOpen = this.#isOpen(id)
    if (fate && !isOpen && (fate.began || !MAY_COME_BACK.includes(fate.code))) return
    const why = this.#objection(occ, this.#startOf(occ))
    const hasOtherSound = (this.shas.get(id) ?? occ.sha) !== occ.sha
    if (!why && (!isOpen || hasOtherSound)) this.#accept(id)
    if (why && !(fate?.code === 'refused' && fate.why === why)) this.#write('refused', id, { why })
  }

  #accept (id) {
    this.ready.delete(id)
    this.#write('accepted', id, { rev: this.orders.rev })
  }

  #callOff (id, fate) {
    if (this.playing?.id === id) this.#stop('cancelled')
    else if (!fate || this.#isOpen(id)) this.#write('cancelled', id)
  }

  /** Why an occurrence that begins at `start` may not sound, or null. */
  #objection (occ, start) {
    const { orders } = this
    if (occ.cls === 'E' && !orders.isEmergency) return 'no_role'
    if (!orders.isUnderGoodKey) return 'key'
    if (orders.isOver) return 'expired'
    return occ.cls !== 'E' && isQuiet(start, this.#sound(occ)?.ms ?? 0, orders.settings) ? 'quiet' : null
  }

  /** After a change of keys: what a revoked key ordered is stopped at once, or refused at once. */
  judgeKeys () {
    const { by, keys } = this.orders
    if (this.playing?.by && !keys.holds(this.playing.by)) this.#stop('interrupted', 'key')
    if (!by || keys.holds(by)) return
    for (const { id } of this.#toCome) if (this.#isOpen(id)) this.#write('refused', id, { why: 'key' })
    this.#fetch()
  }

  // --- sounds ---

  #fetch () {
    const { orders } = this
    const occurrences = this.#toCome.filter((occ) => this.#sound(occ))
      .sort((one, other) => (other.cls === 'E') - (one.cls === 'E') || one.at - other.at)
      .map((occ) => ({ sha: occ.sha, n: this.#sound(occ).n, isUrgent: occ.cls === 'E', spread: this.#spread(occ) }))
    const canned = orders.canned.map(({ sha, size }) => ({ sha, n: size, spread: 600 * SECOND }))
    const urgent = occurrences.filter(({ isUrgent }) => isUrgent)
    const named = [...Object.keys(orders.plan?.aud ?? {}), ...canned.map(({ sha }) => sha)]
    this.sounds.want([...urgent, ...canned, ...occurrences.slice(urgent.length)], new Set(named))
  }

  // The longest that the first request may wait, in ms.
  #spread (occ) {
    if (occ.cls === 'E') return 0
    if (!this.clock.isSet) return 60 * SECOND
    const left = this.#startOf(occ) - this.clock.now()
    return left <= 20 * SECOND ? 0 : Math.min(left / 4, 3600 * SECOND)
  }

  // --- time ---

  /** The clock has jumped: what the jump went over was never reached. */
  stepped () { this.clockSince = this.clock.now() }

  /** Does what is due; gives the ms until something is due next. */
  turn () {
    this.clockSince = this.clock.isSet ? this.clockSince ?? this.clock.now() : null
    if (this.playing && this.clock.mono() >= this.playing.until) this.#finish()
    const inOrder = this.#toCome.sort((one, other) => RANK[other.cls] - RANK[one.cls] || one.at - other.at)
    const waits = inOrder.map((occ) => this.#consider(occ))
    if (this.playing) waits.push(this.playing.until - this.clock.mono())
    return Math.max(0, Math.min(SECOND, ...waits))
  }

  #consider (occ) {
    if (this.#isOpen(occ.id)) this.#sayReady(occ)
    const isOpen = this.#isOpen(occ.id)
    if (!this.clock.isSet || !(isOpen || this.#isWaiting(occ))) return SECOND
    const now = this.clock.now()
    if (isOpen && now > this.#lastStartOf(occ)) return this.#miss(occ)
    if (now < this.#startOf(occ)) return this.#startOf(occ) - now
    const why = this.#objection(occ, now)
    if (why && isOpen) this.#write('refused', occ.id, { why })
    if (!why && this.#isReady(occ) && this.#isFreeFor(occ)) this.#begin(occ, now)
    return SECOND
  }

  #isReady (occ) { return this.#sound(occ) && this.sounds.has(occ.sha) }
  #isFreeFor ({ cls }) { return !this.playing || RANK[cls] > RANK[this.playing.cls] }

  #sayReady (occ) {
    const { id, sha } = occ
    if (this.ready.get(id) === sha || !this.#isReady(occ)) return
    this.ready.set(id, sha)
    if (!this.sounds.isSound(sha)) this.#write('failed', id, { why: 'decode' })
    else if (this.fates.get(id).code === 'accepted') this.#write('ready', id)
  }

  #miss (occ) {
    if (this.sounds.isOnlyWrong(occ.sha)) this.#write('failed', occ.id, { why: 'hash' })
    else this.#write('missed', occ.id, { why: this.#reason(occ) })
    this.#fetch()
    return SECOND
  }

  #reason (occ) {
    const last = this.#lastStartOf(occ)
    if (last < this.clock.now() - this.clock.mono() + this.bootAt) return 'off'
    if (last < this.clockSince) return 'no_clock'
    if (last < this.fates.get(occ.id).acceptedAt) return 'no_plan'
    return this.#isReady(occ) ? 'busy' : 'no_audio'
  }

  // --- sounding ---

  #begin (occ, now) {
    if (!this.sounds.check(occ.sha)) return this.#fetch() // spoilt since it was ready: there may be time to fetch it anew
    if (this.playing) this.#stop('interrupted', 'preempt')
    const late = this.#isOpen(occ.id) ? now - this.#startOf(occ) : 0
    const { by } = this.orders
    this.#start(occ.id, { late_ms: late, vol: this.orders.volumeOf(occ) }, occ.sha, { ms: this.#sound(occ).ms, cls: occ.cls, by })
  }

  #start (id, detail, sha, { ms, cls, by }) {
    this.#write('started', id, { ...detail, sha: sha.slice(0, 16) })
    const mono = this.clock.mono()
    this.playing = { id, ms, cls, by, vol: detail.vol, since: mono, until: mono + ms }
  }

  #finish () {
    const { id, ms, vol } = this.playing
    this.playing = null
    this.#write('played', id, { ms, asked: ms, level: 'none', vol, out: 'null' })
    this.#fetch()
  }

  #stop (code, why) {
    const { id, since, ms } = this.playing
    this.playing = null
    this.#write(code, id, { at_ms: Math.min(this.clock.mono() - since, ms), ...why && { why } })
  }

  /** Ends in good order what sounds when the receiver itself is stopped. */
  close () { if (this.playing) this.#stop('interrupted', 'stop') }

  // --- by hand: no link, no plan, no clock needed ---

  /** Plays canned sound `n` (0: the tone) at once; gives a sentence for whoever stands there. */
  playByHand (n) {
    const sound = n === 0 ? TONE : this.orders.canned.find((one) => one.n === n)
    if (!sound || !this.sounds.check(sound.sha)) return `no whole sound number ${n} here`
    if (this.playing?.cls === 'E') return 'an emergency is sounding'
    if (this.playing) this.#stop('interrupted', 'preempt')
    const cls = n === 0 ? 'N' : 'E'
    const id = `local.${n}.${this.clock.now()}`
    this.#start(id, { late_ms: 0, vol: this.orders.settings.vol, why: 'local', cls }, sound.sha, { ms: sound.ms, cls })
    return `playing ${id}`
  }

  stopByHand () {
    if (!this.playing?.id.startsWith('local.')) return 'nothing sounds that was begun by hand'
    this.#stop('interrupted', 'local')
    return 'stopped'
  }

  /** Occurrences still to come: in all, and with their sound whole. */
  count () {
    const all = this.#toCome
    return { want: all.length, ready: all.filter((occ) => this.#isReady(occ)).length }
  }
}
