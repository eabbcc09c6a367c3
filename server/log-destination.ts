import { fstatSync, writeSync } from 'node:fs'

/**
 * Where the log goes: standard output. Whatever becomes of that, the server goes on (F6): on a full disk a line is lost,
 * and the ones after it are written again once there is space, which Node's own stream to a file would not do.
 */
export function openLogDestination(): { write(text: string): void } {
  if (isFile(1)) return { write: writeOrDrop }
  process.stdout.on('error', () => undefined)
  return { write: (text) => void process.stdout.write(text) }
}

function writeOrDrop(text: string): void {
  try {
    writeSync(1, text)
  } catch {
    // Nobody is left to tell.
  }
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile()
  } catch {
    return false
  }
}
