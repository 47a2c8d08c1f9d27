// Whom the receiver obeys: the keys of station.json, or those of the newest keys document the roots have signed.

import { openGeneral, readObject, Refusal } from './jws.mjs'

const ROLES = ['plan', 'emergency']
const ID = /^[A-Za-z0-9._-]{1,64}$/
const X = /^[A-Za-z0-9_-]{43}$/
const isLike = (pattern, value) => typeof value === 'string' && pattern.test(value)
const isTime = (value) => Number.isSafeInteger(value) && value >= 0

export class Keys {
  /** `first` is what station.json says; `kept` what `toKeep()` gave before the power went, or null. */
  constructor (first, kept) {
    this.first = first
    this.#use(first)
    const isOurs = kept && kept.over === this.#origin() && kept.document.kv > this.kv
    if (isOurs) this.#use(kept.document)
  }

  #use ({ kv = 0, roots = [], need = 1, keys }) {
    this.document = { kv, roots, need, keys }
    this.kv = kv
    this.roots = new Map(roots.map((root) => [root.kid, root.x]))
    this.keys = new Map(keys.map((key) => [key.kid, key]))
  }

  // A station.json with other roots or a higher kv makes what was kept void.
  #origin () {
    return JSON.stringify([this.first.kv ?? 0, this.first.need ?? 1, ...this.first.roots ?? []])
  }

  /** What is to be on the disk before `obey(document)`. */
  toKeep (document) { return { over: this.#origin(), document } }

  get canChange () { return this.roots.size > 0 }

  /** The key under this name, whatever it may. */
  find (kid) { return this.keys.get(kid) }

  /** Is this still a key for plans? One of the same name with another `x` is another key. */
  holds ({ kid, x }) {
    const key = this.keys.get(kid)
    return key?.x === x && key.roles.some((role) => ROLES.includes(role))
  }

  isInTime (key, clock) {
    const { from = 0, until = Infinity } = this.keys.get(key.kid) ?? {}
    const now = clock.now()
    return this.holds(key) && (!clock.isSet || (from <= now && now < until))
  }

  isEmergency (key) { return this.holds(key) && this.keys.get(key.kid).roles.includes('emergency') }

  /** Checks a keys document; gives it, or null where it is the one obeyed already. Refusals are thrown. */
  check (text) {
    if (!this.canChange) throw new Refusal('no_root')
    const { payload, signatures } = openGeneral(text, 'loa-keys')
    const signers = new Set(signatures.filter((one) => this.#isGood(one, this.roots)).map((one) => one.kid))
    if (signers.size < this.document.need) throw new Refusal('bad_sig')
    const document = readObject(payload)
    if (isTime(document.kv) && document.kv < this.kv) throw new Refusal('old_kv', { kv: document.kv })
    if (document.kv === this.kv) return null
    checkDocument(document)
    return document.roots?.length ? this.#withNewRoots(document, signatures) : { ...document, roots: this.document.roots, need: this.document.need }
  }

  // A signature under a name we do not know is passed over; a wrong one under a known name spoils the document.
  #isGood (signature, roots) {
    if (!roots.has(signature.kid)) return false
    if (!signature.isSignedBy(roots.get(signature.kid))) throw new Refusal('bad_sig')
    return true
  }

  #withNewRoots (document, signatures) {
    const roots = new Map(document.roots.map((root) => [root.kid, root.x]))
    const signers = new Set(signatures.filter((one) => this.#isGood(one, roots)).map((one) => one.kid))
    if (signers.size < (document.need ?? 1)) throw new Refusal('bad_sig')
    return document
  }

  obey (document) { this.#use(document) }
}

function checkDocument ({ v, kv, iat, need = 1, roots = [], keys }) {
  const lists = Array.isArray(roots) && Array.isArray(keys) && keys.length <= 16 && roots.length <= 8
  const holds = v === 1 && isTime(kv) && isTime(iat) && lists &&
    Number.isInteger(need) && need >= 1 && need <= (roots.length || 8) &&
    [...roots, ...keys].every((key) => key && isLike(ID, key.kid) && isLike(X, key.x)) &&
    keys.every((key) => isTime(key.from) && isTime(key.until) && key.from < key.until && areTexts(key.roles)) &&
    areDistinct(keys.map((key) => key.kid)) &&
    areDistinct(roots.map((root) => root.kid)) && areDistinct(roots.map((root) => root.x))
  if (!holds) throw new Refusal('shape')
}

const areTexts = (list) => Array.isArray(list) && list.every((one) => typeof one === 'string')
const areDistinct = (list) => new Set(list).size === list.length
