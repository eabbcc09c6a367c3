import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildProvider, layOutMirror } from './build-provider.ts'
import { repositoryRoot } from './repository-root.ts'

const usage = 'npm run provider:mirror -- DIR'

const { positionals } = parseArgs({ allowPositionals: true })
const [folder] = positionals
if (folder === undefined || positionals.length > 1) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
} else {
  await lay(resolve(folder))
}

/** Lays this checkout's provider into a filesystem mirror, and says how Terraform finds it there. */
async function lay(mirror: string): Promise<void> {
  const built = await mkdtemp(join(tmpdir(), 'mooring-provider-'))
  try {
    await mkdir(mirror, { recursive: true })
    const plugin = await buildProvider(repositoryRoot(), built)
    await layOutMirror(mirror, plugin)
    process.stdout.write(
      `${plugin.address} ${plugin.version} is in ${mirror}. In Terraform's CLI configuration:\n\n` +
        `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
    )
  } finally {
    await rm(built, { recursive: true, force: true })
  }
}
