import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Flushes what was written to the file, and the entries of a folder. */
export function flush(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Gives the file its final name, in the same folder, so that it is there after a power cut or the old one still is. */
export function renameDurably(from: string, to: string): void {
  flush(from)
  renameSync(from, to)
  flush(dirname(to))
}

/** Writes a file that its owner alone reads, whole or not at all. */
export function writePrivateFile(file: string, text: string): void {
  const partial = `${file}.partial`
  rmSync(partial, { force: true })
  const handle = openSync(partial, 'wx', 0o600)
  try {
    writeSync(handle, text)
  } finally {
    closeSync(handle)
  }
  renameDurably(partial, file)
}

/** Makes an empty file that its owner alone reads, in place of what an ended process may have left there. */
export function makePrivateFile(file: string): void {
  rmSync(file, { force: true })
  closeSync(openSync(file, 'wx', 0o600))
}
