// Files that survive a power cut: what these functions have returned from is on the disk.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Replaces a file as a whole: after a power cut there is the old one or the new one, never half of one. */
export function writeDurably (path, ...chunks) {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(`${path}.new`, 'w')
  try {
    for (const chunk of chunks) writeAll(file, chunk)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
  syncFolder(dirname(path)) // the rename, too, has to reach the disk
}

export function writeAll (file, chunk) {
  const bytes = Buffer.from(chunk)
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
}

export function syncFolder (path) {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** What a JSON file says; `otherwise` where there is none. */
export function readJson (path, otherwise) {
  if (otherwise !== undefined && !existsSync(path)) return otherwise
  return JSON.parse(readFileSync(path, 'utf8'))
}
