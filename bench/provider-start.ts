import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newCertificate } from '../provider/protocol/certificate.ts'
import { buildProvider } from '../scripts/build-provider.ts'
import { repositoryRoot } from '../scripts/repository-root.ts'
import { pluginEnvironment, startPlugin } from '../test/support/plugin-process.ts'
import { type BenchOptions, judge, median, type TargetResult } from './target.ts'

const peer = 'bare Node process'

interface Start {
  readonly milliseconds: number
  /** Undefined where the system has no /proc. */
  readonly rssMb: number | undefined
}

/**
 * Compares the provider's start, up to its handshake line, with that of a Node process that prints a line and does
 * nothing else. Both are executables with the same first line, started as Terraform starts one, in turn.
 */
export async function benchProviderStart({ smoke }: BenchOptions): Promise<TargetResult[]> {
  const rounds = smoke ? 3 : 81
  const folder = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  try {
    const { executable } = await buildProvider(repositoryRoot(), folder)
    const bare = join(folder, 'bare')
    // It waits for its end as the provider does, so that neither is measured while it exits.
    writeFileSync(
      bare,
      "#!/usr/bin/env node\nprocess.stdout.write('1|6|unix|none|grpc|\\n')\nsetInterval(() => {}, 1e6)\n",
    )
    chmodSync(bare, 0o755)
    const env = { ...pluginEnvironment, PLUGIN_CLIENT_CERT: newCertificate(new Date()).pem, TMPDIR: folder }

    const ours: Start[] = []
    const theirs: Start[] = []
    for (let round = -1; round < rounds; round += 1) {
      const starts = [await start(executable, env), await start(bare, env)] as const
      if (round === -1) continue // fills the page cache
      ours.push(starts[0])
      theirs.push(starts[1])
    }

    const inMs = (starts: readonly Start[]) => median(starts.map(({ milliseconds }) => milliseconds)).toFixed(1)
    process.stderr.write(`provider: ${inMs(ours)} ms, ${peer}: ${inMs(theirs)} ms\n`)
    // Somebody else's work makes a single start twice as long: nine neighbours are compared by their medians.
    const ratios = chunks(
      ours.map((each, index) => [each, theirs[index] ?? each] as const),
      9,
    ).map((pairs) => {
      const times = (side: 0 | 1) => median(pairs.map((pair) => pair[side].milliseconds))
      return times(0) / times(1)
    })
    const rss = ours.flatMap(({ rssMb }) => (rssMb === undefined ? [] : [rssMb]))
    return [
      judge('provider-start.startRatio', '<=1.35', peer, ratios),
      judge('provider-start.bundleKb', '<=400', 'none: the size of the file', [statSync(executable).size / 1_000]),
      ...(rss.length > 0 ? [judge('provider-start.rssMb', '<=170', 'none: when the line comes', rss)] : []),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start(executable: string, env: NodeJS.ProcessEnv): Promise<Start> {
  const startedAt = performance.now()
  const plugin = startPlugin(executable, env)
  await plugin.handshake()
  const milliseconds = performance.now() - startedAt
  const rssMb = peakRss(plugin.child.pid)
  plugin.child.kill('SIGKILL')
  await plugin.ended()
  return { milliseconds, rssMb }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

function peakRss(pid: number | undefined): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : (Number(kib) * 1_024) / 1e6
  } catch {
    return undefined
  }
}
