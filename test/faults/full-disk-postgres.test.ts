import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openFaultBench } from '../../scripts/faults/postgres-faults.ts'
import { lacks, recordLeftOut } from '../support/left-out.ts'

const suite = 'a PostgreSQL whose disk is full'

/** PostgreSQL does not run as root, not even as one of a namespace: its small disk takes a root who may mount. */
const mayMount = process.getuid?.() === 0 && !lacks('initdb') && tryMount()
if (!mayMount) recordLeftOut(suite, ['unshare', 'initdb'])

describe.skipIf(!mayMount)(suite, () => {
  test('F6 R40 on PostgreSQL a full disk is answered 503, nothing acknowledged is lost, and all goes on with space', {
    timeout: 90_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-small-'))
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=150m', 'tmpfs', folder])
    onTestFinished(() => {
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    })
    const bench = await openFaultBench(folder)
    onTestFinished(() => bench.close())

    const report = await bench.run('fullDisk', 3_000)

    expect(report).toMatchObject({ lost: 0, doubled: 0, unprocessed: 0, wrongAnswers: [] })
    expect(report.refused).toBeGreaterThan(20)
    expect(report.readyReasons.join()).toContain('disk')
    expect(report.recoverySeconds).toBeLessThan(25)
  })
})

function tryMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-mount-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
  if (status === 0) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true, force: true })
  return status === 0
}
