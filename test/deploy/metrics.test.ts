import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { startTestServer } from '../support/server.ts'

const alerts = readFileSync('deploy/prometheus/alerts.yaml', 'utf8')
const dashboard = JSON.parse(readFileSync('deploy/grafana/mooring.json', 'utf8')) as {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly rule: string | undefined
  readonly hasRemedy: boolean
}

/** The file is plain enough to be read by line: one alert begins with `- alert:`. */
function readRules(): Rule[] {
  const blocks = alerts.split(/^ +- alert: /m).slice(1)
  return blocks.map((block) => ({
    alert: block.split('\n')[0] ?? '',
    expr: /^ +expr: (.*)$/m.exec(block)?.[1] ?? '',
    rule: /^ +rule: (\S+)$/m.exec(block)?.[1],
    hasRemedy: /^ +summary: .+$/m.test(block) && /^ +remedy: .+$/m.test(block),
  }))
}

function metricsIn(expressions: readonly string[]): Set<string> {
  const names = expressions.flatMap((expression) => expression.match(/\bmooring_[a-z0-9_]+/g) ?? [])
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
}

const panels = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

for (const database of databases) {
  test(`L37 on ${database.name} every metric of the alerts and the dashboard exists in a running server`, async () => {
    const server = await startTestServer(database)

    const text = await (await fetch(`${server.url}/metrics`)).text()

    const present = new Set(text.match(/^# TYPE (\S+)/gm)?.map((line) => line.slice('# TYPE '.length)))
    const named = metricsIn([...readRules().map(({ expr }) => expr), ...panels])
    expect(named.size).toBeGreaterThan(15)
    expect([...named].filter((name) => !present.has(name))).toEqual([])
    expect(
      [...present].filter((name) => !metricsIn(panels).has(name)),
      'and is in the dashboard',
    ).toEqual([])
  })
}

test('L37 every alert names the rule that its threshold comes from, and what to do', () => {
  const rules = readRules()
  const behaviour = ['server', 'scale', 'security', 'reliability']
    .map((name) => readFileSync(join('docs/behaviour', `${name}.md`), 'utf8'))
    .join('\n')

  expect(rules.length).toBeGreaterThan(15)
  for (const { alert, expr, rule, hasRemedy } of rules) {
    expect(expr, alert).toMatch(/mooring_[a-z]/)
    expect(hasRemedy, `${alert} says what is so and what to do`).toBe(true)
    const isKnown = behaviour.includes(`### ${rule} `) || behaviour.includes(`**${rule}**`)
    expect(isKnown, `${alert}: ${rule} is a rule of docs/behaviour`).toBe(true)
  }
})

test('L37 each gauge of a limit has an alert', () => {
  const alerted = metricsIn(readRules().map(({ expr }) => expr))

  for (const gauge of [
    'mooring_oldest_unprocessed_delivery_seconds',
    'mooring_database_dead_rows',
    'mooring_delivery_partition_days_ahead',
    'mooring_notify_queue_use',
    'mooring_webhook_commit_seconds',
    'mooring_webhook_commit_deliveries',
    'mooring_event_loop_delay_max_seconds',
    'mooring_disk_free_bytes',
    'mooring_disk_state',
    'mooring_quiet',
    'mooring_build_info',
  ]) {
    expect(alerted, gauge).toContain(gauge)
  }
})

for (const database of databases) {
  test(`L37 F17 on ${database.name} the gauges show what is so`, async () => {
    const server = await startTestServer(database)
    const wait = new Int32Array(new SharedArrayBuffer(4))
    await (await fetch(`${server.url}/metrics`)).text()
    await pause() // the first period after a scrape is not measured
    Atomics.wait(wait, 0, 0, 150)
    await pause()

    const text = await (await fetch(`${server.url}/metrics`)).text()

    const value = (name: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(' ')[1],
      )
    expect(value('mooring_event_loop_delay_max_seconds')).toBeGreaterThan(0.1)
    expect(value('mooring_quiet')).toBe(0)
    const days = value('mooring_delivery_partition_days_ahead')
    const use = value('mooring_notify_queue_use')
    if (database.name === 'postgres') {
      expect(days).toBe(7)
      expect(use).toBeLessThan(0.5)
      expect(value('mooring_disk_free_bytes')).toBeNaN()
    } else {
      expect(days).toBeNaN()
      expect(value('mooring_disk_free_bytes')).toBeGreaterThan(0)
    }
  })
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50))
}
