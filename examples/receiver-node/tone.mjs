// Number 0: the test tone, made by the recipe of the protocol, so that every receiver has the same bytes.

import { createHash } from 'node:crypto'

const RATE = 8000
const WAVE = [0, 8485, 12000, 8485, 0, -8485, -12000, -8485]
const BEEP = 2400
const PAUSE = 1600
const FADE = 80

function frames () {
  const beep = Array.from({ length: BEEP }, (_, i) => Math.floor(WAVE[i % 8] * Math.min(i, BEEP - 1 - i, FADE) / FADE))
  const once = [...beep, ...new Array(PAUSE).fill(0)]
  return [...once, ...once, ...once]
}

function wav (samples) {
  const bytes = Buffer.alloc(44 + 2 * samples.length)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20) // PCM
  bytes.writeUInt16LE(1, 22) // mono
  bytes.writeUInt32LE(RATE, 24)
  bytes.writeUInt32LE(2 * RATE, 28)
  bytes.writeUInt16LE(2, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(2 * samples.length, 40)
  samples.forEach((sample, i) => bytes.writeInt16LE(sample, 44 + 2 * i))
  return bytes
}

const bytes = wav(frames())

export const TONE = {
  sha: createHash('sha256').update(bytes).digest('hex'),
  n: bytes.length,
  ms: (bytes.length - 44) / 2 / RATE * 1000,
  ct: 'audio/wav',
  bytes
}
