// The plan's form, and its quiet hours.

import { Refusal } from './jws.mjs'

const ID = /^[A-Za-z0-9._-]{1,64}$/
const SHA = /^[0-9a-f]{64}$/
const WALL = /^([01]\d|2[0-3]):[0-5]\d$/
const MINUTE = 60_000
const DAY = 1440 * MINUTE

const isCount = (value) => Number.isSafeInteger(value) && value >= 0
const isWithin = (value, low, high) => Number.isSafeInteger(value) && value >= low && value <= high
const isText = (value, longest) => typeof value === 'string' && value.length <= longest
const isLike = (pattern, value) => typeof value === 'string' && pattern.test(value)
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)
const areDistinct = (list) => new Set(list).size === list.length

/** The plan with its defaults filled in; throws `shape` where it is not one. */
export function readPlan (raw) {
  if (!isObject(raw.set)) throw new Refusal('shape', { rev: raw.rev })
  const plan = { aud: {}, occ: [], can: null, base: '', nz: '', chk: null, ...raw, set: readSettings(raw.set) }
  const holds = plan.v === 1 && [plan.rev, plan.iat, plan.exp, plan.hz].every(isCount) &&
    isObject(plan.aud) && Object.entries(plan.aud).every(isSound) &&
    Array.isArray(plan.occ) && plan.occ.every(isObject) && isText(plan.base, 256) &&
    (plan.chk === null || (isObject(plan.chk) && isCount(plan.chk.n) && isText(plan.chk.h, Infinity)))
  if (!holds || !areSettings(plan.set)) throw new Refusal('shape', { rev: raw.rev })
  plan.occ = plan.occ.map((occ) => ({ cls: 'N', st: 'on', gain: 0, onint: 'stop', ...occ }))
  if (!areOccurrences(plan.occ) || !areCanned(plan)) throw new Refusal('shape', { rev: raw.rev })
  return plan
}

export const readSettings = (set) =>
  ({ vol: 70, hb: 60, quiet: [], tz: 'Asia/Ho_Chi_Minh', delay_ms: 0, mute: false, boot: 0, ...set })

const isSound = ([sha, sound]) => SHA.test(sha) && isObject(sound) && isWithin(sound.n, 1, 200_000_000) && isCount(sound.ms)

const areSettings = ({ vol, hb, quiet, tz, delay_ms: delay, mute, boot }) =>
  isWithin(vol, 0, 100) && isWithin(hb, 1, 3600) && isWithin(delay, 0, 1000) && isCount(boot) && typeof mute === 'boolean' &&
  isZone(tz) && Array.isArray(quiet) && quiet.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((wall) => isLike(WALL, wall)))

const areOccurrences = (occ) => areDistinct(occ.map((one) => one.id)) && occ.every((one) =>
  isLike(ID, one.id) && [one.at, one.late, one.end].every(isCount) && isLike(SHA, one.sha) && Number.isSafeInteger(one.gain) &&
  (one.vol === undefined || isWithin(one.vol, 0, 100)) && ['N', 'P', 'E'].includes(one.cls) && ['on', 'off'].includes(one.st) && ['stop', 'restart'].includes(one.onint))

const areCanned = ({ can, aud }) => can === null || (Array.isArray(can) && can.length <= 20 &&
  can.every((one) => isObject(one) && isWithin(one.n, 1, 99) && Object.hasOwn(aud, one.sha) && isText(one.title ?? '', 64)) &&
  areDistinct(can.map((one) => one.n)))

function isZone (tz) {
  try {
    return typeof tz === 'string' && tz !== '' && Boolean(new Intl.DateTimeFormat('en-GB', { timeZone: tz }))
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** Does any of the `ms` from `start` fall into quiet hours? Their ends are whole minutes, so each minute is looked at. */
export function isQuiet (start, ms, { quiet, tz }) {
  if (!quiet.length) return false
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: tz, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const end = start + Math.min(Math.max(ms, 1), DAY) // after a day all walls have been seen
  for (let t = start; t < end; t = Math.floor(t / MINUTE + 1) * MINUTE) {
    const wall = clock.format(t)
    if (quiet.some(([from, to]) => from < to ? from <= wall && wall < to : from <= wall || wall < to)) return true
  }
  return false
}

/** `2026-11` in the plan's zone. */
export function monthOf (t, { tz }) {
  return new Intl.DateTimeFormat('en-CA', { timeZone: tz, year: 'numeric', month: '2-digit' }).format(t).slice(0, 7)
}
