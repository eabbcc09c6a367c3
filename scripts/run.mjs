// Starts a command of this repository from a fresh clone: installs what is missing, builds what changed, then runs
// dist/scripts/<name>.js in this same process (its signals, exit code and terminal are therefore our own).
// Plain JavaScript without dependencies, because Node 20 runs no TypeScript and node_modules may be empty.
// Everything said here goes to standard error: standard output belongs to the command (`--json`).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { dirname, extname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const installStamp = join(root, 'node_modules', '.mooring-installed')
const buildStamp = join(root, 'dist', '.mooring-built')

class Stop extends Error {}

async function main([name, ...rest]) {
  requireNode()
  if (name === undefined) throw new Stop('Usage: node scripts/run.mjs NAME [ARGUMENT…] | --install | --build')
  await prepare(name !== '--install')
  if (name.startsWith('--')) return
  const file = entry(name)
  process.setSourceMapsEnabled(true)
  process.argv = [process.argv[0], file, ...rest]
  await import(pathToFileURL(file).href)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Stop(
    `Node.js ${process.versions.node} is too old: Mooring needs 20.19 or newer.\n` +
      'Get it from https://nodejs.org/en/download or with your version manager, then run the same command again.',
  )
}

/** Installs and builds, one process at a time; a process that finds nothing to do takes no lock. */
async function prepare(withBuild) {
  const isReady = () => isInstalled() && (!withBuild || isBuilt())
  if (isReady()) return
  const unlock = await lock()
  try {
    if (!isInstalled()) install()
    if (withBuild && !isBuilt()) build()
  } finally {
    unlock()
  }
}

function entry(name) {
  const file = name === 'server' ? join(root, 'dist/server/main.js') : join(root, 'dist/scripts', `${name}.js`)
  if (/^[a-z][a-z-]*$/.test(name) && fs.existsSync(file)) return file
  throw new Stop(`There is no command "${name}": expected ${relative(root, file)} to be built from this checkout.`)
}

// Installing

/** What an installation depends on: the lockfile, and the Node that native modules were built for. */
function installFingerprint() {
  const { modules } = process.versions
  return `${digest(read('package-lock.json'))} ${process.platform}-${process.arch}-${modules}`
}

function isInstalled() {
  return readIfThere(installStamp) === installFingerprint()
}

function install() {
  if (!holdsWhatTheLockfileSays()) {
    say('installing dependencies (npm ci) …')
    fs.rmSync(installStamp, { force: true })
    if (npm('ci', '--no-audit', '--no-fund') !== 0) {
      throw new Stop(
        'npm ci failed (its output is above). It needs the npm registry, or a mirror of it that .npmrc names.',
      )
    }
  }
  if (!driverLoads()) buildDriver()
  fs.writeFileSync(installStamp, installFingerprint())
}

/** Somebody may have run npm himself: npm notes what it installed, and an equal tree is not installed again. */
function holdsWhatTheLockfileSays() {
  const noted = readIfThere(join(root, 'node_modules/.package-lock.json'))
  if (noted === undefined) return false
  const installed = JSON.parse(noted).packages
  return Object.entries(JSON.parse(read('package-lock.json')).packages).every(([path, wanted]) => {
    const found = installed[path]
    if (!path.startsWith('node_modules/') || (found === undefined && wanted.optional)) return true
    if (wanted.link) return fs.existsSync(join(root, path)) // npm notes no links
    return found?.version === wanted.version && found?.integrity === wanted.integrity
  })
}

function driverLoads() {
  const probe = "new (require('better-sqlite3'))(':memory:').close()"
  return spawnSync(process.execPath, ['-e', probe], { cwd: root, stdio: 'ignore' }).status === 0
}

/** Install scripts are switched off in .npmrc; the SQLite driver is the one package whose script is wanted. */
function buildDriver() {
  say('fetching or compiling the SQLite driver better-sqlite3 (compiling takes about a minute) …')
  if (npm('rebuild', 'better-sqlite3', '--ignore-scripts=false') === 0 && driverLoads()) return
  const compiler = ['c++', 'g++', 'clang++'].some((name) => spawnSync(name, ['--version']).status === 0)
  throw new Stop(
    compiler
      ? 'The SQLite driver better-sqlite3 could not be compiled (npm’s output is above). It needs a C++20 compiler, ' +
          'make and Python 3, and the headers of Node.js, which node-gyp downloads unless npm’s `nodedir` names them.'
      : 'There is no C++ compiler, and no ready-made SQLite driver (better-sqlite3) could be fetched for this system.\n' +
          'The server keeps its data in SQLite unless it is given PostgreSQL, so the driver must be built here.\n' +
          'Get one with `apt-get install g++ make python3` (Debian, Ubuntu), `dnf install gcc-c++ make python3` ' +
          '(Fedora, RHEL) or `xcode-select --install` (macOS), then run the same command again.',
  )
}

function npm(...args) {
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const shell = process.platform === 'win32'
  // npm's standard output is sent to ours for errors; it never asks anything, so it gets no input.
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell }).status
}

// Building

function isBuilt() {
  return readIfThere(buildStamp) === buildFingerprint()
}

/** Names and contents of all sources: a file that was written anew with the same content is no reason to build. */
function buildFingerprint() {
  const hash = createHash('sha256')
  for (const file of ['tsconfig.json', 'package-lock.json', ...sources()]) {
    hash.update(`${file} ${digest(fs.readFileSync(join(root, file)))}\n`)
  }
  return hash.digest('hex')
}

function build() {
  say('building …')
  const fingerprint = buildFingerprint()
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', root], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Stop('The build failed: the compiler’s messages are above.')
  copyAssets()
  removeOrphans()
  fs.writeFileSync(buildStamp, fingerprint)
}

/** What the code reads at run time beside itself (SQL, HTML, certificates …) lies at the same place under dist/. */
function copyAssets() {
  for (const file of sources().filter((path) => !/\.(ts|tsx|mjs|cjs|md)$/.test(path) && !path.startsWith('test/'))) {
    const target = join(root, 'dist', file)
    fs.mkdirSync(dirname(target), { recursive: true })
    fs.copyFileSync(join(root, file), target)
  }
}

/** Removes from dist/ what was built from a source that is gone. */
function removeOrphans() {
  for (const file of list('dist').map((path) => path.slice('dist/'.length))) {
    const source = file.replace(/\.js(\.map)?$/, '')
    const isOurs = file.includes('/') && sourceFolders().includes(file.slice(0, file.indexOf('/')))
    const candidates = [file, `${source}.ts`, `${source}.tsx`, `${source}.js`]
    if (isOurs && !candidates.some((path) => fs.existsSync(join(root, path)))) fs.rmSync(join(root, 'dist', file))
  }
}

function sources() {
  return sourceFolders().flatMap(list)
}

function sourceFolders() {
  return JSON.parse(read('tsconfig.json')).include
}

// Files

function list(folder) {
  if (!fs.existsSync(join(root, folder))) return []
  return fs
    .readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((item) => {
      const path = `${folder}/${item.name}`
      if (item.isDirectory()) return item.name === 'node_modules' ? [] : list(path)
      return item.isFile() && extname(path) !== '.tsbuildinfo' ? [path] : []
    })
}

function read(file) {
  return fs.readFileSync(join(root, file), 'utf8')
}

function readIfThere(path) {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function digest(content) {
  return createHash('sha256').update(content).digest('hex')
}

function say(line) {
  process.stderr.write(`mooring: ${line}\n`)
}

// One at a time

/** A file with our process id, made only where there is none. The lock of a dead process is taken over. */
async function lock() {
  const path = join(root, '.mooring', 'run.lock')
  fs.mkdirSync(dirname(path), { recursive: true })
  for (let waited = 0; ; waited += 1) {
    try {
      fs.writeFileSync(path, String(process.pid), { flag: 'wx' })
      return () => fs.rmSync(path, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = readIfThere(path)
    // An empty file is one whose maker is about to write it, or died before it did.
    const isDead = holder === '' ? waited > 25 : holder !== undefined && !isAlive(Number(holder))
    if (isDead) takeAway(path, holder)
    else if (waited === 5) say(`waiting for process ${holder}, which is installing or building (${path}) …`)
    await sleep(200)
  }
}

/** Renames before it removes: of two that saw the same dead holder only one gets it, and a new holder's is put back. */
function takeAway(path, holder) {
  const aside = `${path}.${process.pid}`
  try {
    fs.renameSync(path, aside)
    if (readIfThere(aside) !== holder) fs.linkSync(aside, path)
  } catch {
    return // somebody else was quicker
  } finally {
    fs.rmSync(aside, { force: true })
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Stop)) throw error
  process.stderr.write(`mooring: ${error.message}\n`)
  process.exitCode = 1
}
