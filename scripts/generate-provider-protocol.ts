import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const protocolFolder = 'provider/protocol'

/** Writes `provider/protocol/generated/` from `tfplugin6.proto`: the same input gives the same bytes, on every machine. */
export async function generateProviderProtocol(root: string): Promise<void> {
  const generated = join(root, protocolFolder, 'generated')
  await rm(generated, { recursive: true, force: true })
  await runBuf(root, generated)
}

async function runBuf(root: string, out: string): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), 'mooring-buf-'))
  const template = {
    version: 'v2',
    plugins: [{ local: join(root, 'node_modules/.bin/protoc-gen-ts_proto'), out, opt: options }],
  }
  try {
    await promisify(execFile)(
      join(root, 'node_modules/.bin/buf'),
      ['generate', protocolFolder, '--template', JSON.stringify(template), '--include-imports', '--include-wkt'],
      { cwd: root, env: { ...process.env, BUF_CACHE_DIR: cache } },
    )
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
}

/** No JSON, no partial constructors, no client: what the provider never calls is never bundled. */
const options = [
  'outputServices=generic-definitions',
  'enumsAsLiterals=true',
  'importSuffix=.ts',
  'useOptionals=messages',
  'forceLong=bigint',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'exportCommonSymbols=false',
  'annotateFilesWithVersion=false',
]
