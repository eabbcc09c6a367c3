import { Command } from 'commander'
import { benchIngestion } from '../bench/ingestion.ts'
import { benchLists } from '../bench/lists.ts'
import { benchProviderStart } from '../bench/provider-start.ts'
import { benchQueue } from '../bench/queue.ts'
import { assume, scaleModel } from '../bench/scale-model.ts'
import type { Bench, TargetResult } from '../bench/target.ts'

/** What can be measured, by name. */
const benches: Readonly<Record<string, Bench>> = {
  ingestion: benchIngestion,
  lists: benchLists,
  'provider-start': benchProviderStart,
  queue: benchQueue,
}

const { names, json, smoke, assumes } = readCommand()
if (names.includes('scale-model')) {
  console.log(scaleModel(assume(assumes)))
  process.exit(0)
}
const results: TargetResult[] = []
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  const bench = benches[name]
  if (bench === undefined)
    throw new Error(`There is no bench "${name}": choose among ${Object.keys(benches).join(', ')}.`)
  process.stderr.write(`measuring ${name} …\n`)
  const targets = await bench({ smoke })
  results.push(...targets)
  if (json) for (const target of targets) console.log(JSON.stringify(target))
}
if (!json) console.log(table(results))

function readCommand() {
  const command = new Command('bench')
    .description('Measures the performance targets; ends with 0 whether they are met or not.')
    .argument('[names...]', `which ones: ${Object.keys(benches).join(', ')}; or scale-model, which computes a load`)
    .option('--assume <name=value...>', 'an assumption of the scale model; see what it prints', [])
    .option('--json', 'one JSON line per target', false)
    .option('--smoke', 'a few seconds, to see that they run: the figures mean nothing', false)
    .parse()
  const options = command.opts<{ json: boolean; smoke: boolean; assume: string[] }>()
  return { names: command.args, ...options, assumes: options.assume }
}

/** In Markdown, as docs/benchmarks.md holds it. */
function table(targets: readonly TargetResult[]): string {
  const rows = targets.map(({ target, value, goal, met, peer, rounds, spread }) => {
    const cells = [`\`${target}\``, value, goal, met ? 'yes' : '**no**', peer, rounds, spread.join(' – ')]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '| target | value | goal | met | peer | rounds | middle half |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
