import { existsSync, readFileSync } from 'node:fs'

/** The release, from the package's own file: one folder up in the sources, two in the build. */
export function readVersion(): string {
  const file = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
  if (!file) throw new Error('The package.json of Mooring is missing.')
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}
