import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Environment, secretVariables } from '../../server/config.ts'

const unitFiles = readdirSync('deploy/systemd').filter((name) => name.endsWith('.service'))
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

/** The directives of a unit, each with its values in order. */
function readUnit(name: string): ReadonlyMap<string, readonly string[]> {
  const directives = new Map<string, string[]>()
  for (const line of readFileSync(join('deploy/systemd', name), 'utf8').split('\n')) {
    const [, directive = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (directive !== '') directives.set(directive, [...(directives.get(directive) ?? []), value])
  }
  return directives
}

test.each(unitFiles)('S45 the unit %s writes no core, gains no privilege and may not write to the system', (name) => {
  const unit = readUnit(name)

  for (const [directive, value] of [
    ['LimitCORE', '0'],
    ['NoNewPrivileges', 'yes'],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['PrivateTmp', 'yes'],
    ['UMask', '0077'],
    ['User', 'mooring'],
    ['CapabilityBoundingSet', ''],
  ] as const) {
    expect(unit.get(directive), directive).toEqual([value])
  }
  const text = readFileSync(join('deploy/systemd', name), 'utf8')
  expect(text).not.toMatch(/report-on-fatal|heapsnapshot|--inspect|NODE_OPTIONS/)
  expect(text, 'S44 the key comes as a file').toMatch(/MOORING_ENCRYPTION_KEY_FILE=%d\/encryption-key/)
  expect(text).not.toMatch(/MOORING_ENCRYPTION_KEY=/)
})

test('R208 the unit waits longer than a server needs to end', () => {
  const unit = readUnit('mooring-server.service')

  expect(Number(unit.get('TimeoutStopSec')?.[0])).toBeGreaterThan(30)
  expect(unit.get('Restart')).toEqual(['on-failure'])
})

test.skipIf(!hasSystemd)('S45 systemd finds nothing wrong with the units, and little that they leave open', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-units-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  // Where Node.js lies is the machine's own affair.
  for (const name of readdirSync('deploy/systemd')) {
    const text = readFileSync(join('deploy/systemd', name), 'utf8').replaceAll('/usr/bin/node', process.execPath)
    writeFileSync(join(folder, name), text)
  }
  const files = readdirSync(folder).map((name) => join(folder, name))

  const verified = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8' })
  const judged = spawnSync(
    'systemd-analyze',
    ['security', '--offline=true', '--threshold=20', join(folder, 'mooring-server.service')],
    { encoding: 'utf8' },
  )

  expect(verified.stderr).toBe('')
  expect(verified.status).toBe(0)
  expect(judged.status, judged.stdout.split('\n').slice(-3).join('\n')).toBe(0)
})

test('S44 S45 the container runs as a user of its own, with secrets as files, without core dumps', () => {
  const container = readFileSync('deploy/Containerfile', 'utf8')
  const compose = readFileSync('deploy/compose.yaml', 'utf8')

  expect(container).toMatch(/^USER 10001:10001$/m)
  expect(container).toMatch(/^STOPSIGNAL SIGTERM$/m)
  expect(container).not.toMatch(/ENCRYPTION_KEY/)
  for (const [, source = ''] of container.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const path of source.split(' ')) expect(existsSync(path), `COPY ${path}`).toBe(true)
  }
  expect(compose).toMatch(/core: 0[\s\S]*core: 0/)
  expect(compose).toMatch(/cap_drop: \[ALL\]/)
  expect(compose).toMatch(/no-new-privileges:true/)
  expect(compose).toMatch(/stop_grace_period: 3[1-9]s/)
})

test('every variable that deploy/ sets is one that the server reads', () => {
  const known = new Set([...Object.keys(Environment.shape), ...secretVariables.map((name) => `${name}_FILE`)])
  const files = ['Containerfile', 'compose.yaml', 'nginx/mooring.conf', ...unitFiles.map((name) => `systemd/${name}`)]

  const named = files.flatMap((name) => readFileSync(join('deploy', name), 'utf8').match(/\bMOORING_[A-Z_]+/g) ?? [])

  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

test('the example proxy speaks HTTP/1.1 and passes no header of a caller on as its own', () => {
  const proxy = readFileSync('deploy/nginx/mooring.conf', 'utf8')

  expect(proxy.match(/proxy_http_version \S+/g)).toEqual(['proxy_http_version 1.1;'])
  for (const header of ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'Forwarded']) {
    const [, value] = proxy
      .split('\n')
      .flatMap((line) => (line.includes(`proxy_set_header ${header} `) ? [line, line] : []))
    expect(value, header).toBeDefined()
    expect(value).not.toMatch(/\$http_|\$proxy_add_x_forwarded_for/)
  }
})
