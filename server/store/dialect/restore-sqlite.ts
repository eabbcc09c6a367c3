import { chmodSync, constants, copyFileSync, existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeOneFile } from './backup-sqlite.ts'
import { flush, makePrivateFile, renameDurably } from './durable-files.ts'

/** Where a backup lies, beside the database, until it is proven. */
export function restoringFile(file: string): string {
  return `${file}.restoring`
}

/** Whether there is something at the place of the database that a restore would replace. */
export function holdsSqliteData(file: string): boolean {
  return existsSync(file) && statSync(file).size > 0
}

/** Copies the backup beside the database, 0600; a clone where the file system can make one. */
export function placeBeside(backup: string, file: string): string {
  const copy = restoringFile(file)
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(`${copy}${suffix}`, { force: true })
  makePrivateFile(copy)
  copyFileSync(backup, copy, constants.COPYFILE_FICLONE)
  chmodSync(copy, 0o600) // Node gives a copy the mode of what it copies
  return copy
}

export function removeCopy(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${restoringFile(file)}${suffix}`, { force: true })
}

/**
 * Puts the proven copy in the place of the database, in one step that a crash does not split: at every moment the old
 * or the new one is there, whole. The old one is kept under the name that is given back; undefined where there was none.
 * The caller holds the database, so that nobody else has it open.
 */
export function replaceSqlite(file: string, stamp: string): string | undefined {
  const kept = holdsSqliteData(file) ? `${file}.replaced-${stamp}` : undefined
  // A log of the old database beside the new one would be taken for the new one's own.
  setLogAside(file, kept)
  if (kept !== undefined) linkSync(file, kept)
  renameDurably(restoringFile(file), file)
  flush(dirname(file))
  return kept
}

function setLogAside(file: string, kept: string | undefined): void {
  if (kept !== undefined) {
    try {
      makeOneFile(file)
    } catch {
      // It is damaged: what it has is kept as it is.
    }
  }
  for (const suffix of ['-wal', '-shm']) {
    if (!existsSync(`${file}${suffix}`)) continue
    if (kept === undefined) rmSync(`${file}${suffix}`)
    else renameSync(`${file}${suffix}`, `${kept}${suffix}`)
  }
}
