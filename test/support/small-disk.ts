import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Whether this machine lets us mount: containers and ordinary users often may not. */
export const mayMount: boolean = (() => {
  const place = mkdtempSync(join(tmpdir(), 'mooring-mount-'))
  const isMounted = mount(place, 'size=1m')
  if (isMounted) unmount(place)
  rmSync(place, { recursive: true, force: true })
  return isMounted
})()

/** A file system of its own for the running test, as `mount -o` describes it: `size=24m`, `size=1m,ro`. */
export function mountTmpfs(options: string): string {
  const place = mkdtempSync(join(tmpdir(), 'mooring-disk-'))
  if (!mount(place, options)) throw new Error(`This machine lets us mount no tmpfs (${options}).`)
  onTestFinished(() => {
    unmount(place)
    rmSync(place, { recursive: true, force: true })
  })
  return place
}

function mount(place: string, options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place]).status === 0
}

/** Lazily: a connection that is still open keeps it until it closes. */
function unmount(place: string): void {
  spawnSync('umount', ['--lazy', place])
}
