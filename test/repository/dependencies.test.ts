import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface LockedPackage {
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

interface Manifest {
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
  readonly allowScripts: Record<string, boolean>
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const locked = Object.entries(
  (JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockedPackage> }).packages,
).filter(([path]) => path !== '')

describe('the lockfile', () => {
  test('S78 has the digest of every package', () => {
    expect(locked.length).toBeGreaterThan(100)
    expect(locked.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))).toEqual([])
  })

  test('S78 takes no package from a git, http or local address', () => {
    const elsewhere = locked.filter(
      ([, { resolved, link }]) => link || (resolved !== undefined && !/^https:\/\/[^/]+\/.+\.tgz$/.test(resolved)),
    )

    expect(elsewhere).toEqual([])
  })

  test('S79 knows every package that has an install script, and one of them may run', () => {
    const names = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))

    expect(names.sort()).toEqual(['@bufbuild/buf', 'better-sqlite3', 'esbuild'])
    expect(manifest.allowScripts).toEqual({ '@bufbuild/buf': false, 'better-sqlite3': true, esbuild: false })
    expect(readFileSync('.npmrc', 'utf8').split('\n')).toEqual(
      expect.arrayContaining(['ignore-scripts=true', 'min-release-age=7', 'save-exact=true']),
    )
  })
})

describe('the manifest', () => {
  test('S78 names exact versions', () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies })

    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  test('S78 has at most 18 run-time dependencies, each with a reason on record', () => {
    const record = readFileSync('docs/decisions/001-libraries.md', 'utf8')
    const reasoned = [...record.matchAll(/^\| `([^`]+)` \| (.{20,}) \|$/gm)].map(([, name]) => name)

    expect(reasoned.sort()).toEqual(Object.keys(manifest.dependencies).sort())
    expect(reasoned.length).toBeLessThanOrEqual(18)
  })
})
