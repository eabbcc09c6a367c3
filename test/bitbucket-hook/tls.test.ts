import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeSelfSigned } from '../clients/self-signed.ts'
import { startHookWorld } from './hook-world.ts'
import { startProxy } from './proxy.ts'

async function fileOf(text: string): Promise<string> {
  const path = join(tmpdir(), `hook-ca-${randomUUID()}.pem`)
  await writeFile(path, text)
  onTestFinished(() => rm(path))
  return path
}

test('B46 a private certificate authority is trusted where it is configured, and for its own host alone', async () => {
  const [bitbucketTls, mooringTls] = [makeSelfSigned(), makeSelfSigned()]
  const world = await startHookWorld({ through: async (url) => (await startProxy(url, { tls: bitbucketTls })).url })
  const mooring = await startProxy(world.server.url, { tls: mooringTls })
  const trusted = {
    MOORING_ENDPOINT: mooring.url,
    MOORING_CA_FILE: await fileOf(mooringTls.cert),
    BITBUCKET_CA_FILE: await fileOf(bitbucketTls.cert),
  }

  await expect(world.run('apply', { ...trusted, BITBUCKET_CA_FILE: '' })).rejects.toThrow(
    /^Bitbucket at https:.* No trusted TLS/,
  )
  await expect(world.run('apply', { ...trusted, MOORING_CA_FILE: trusted.BITBUCKET_CA_FILE })).rejects.toThrow(
    /^The Mooring server .* No trusted TLS/,
  )
  const report = await world.run('apply', trusted)

  expect(report.result).toBe('complete')
  // What the hook trusts says nothing of what Bitbucket should check.
  expect(await world.onlyWebhook()).toMatchObject({ sslVerificationRequired: true })
})
