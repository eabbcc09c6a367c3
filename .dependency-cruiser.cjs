// What may import what: one positive list. A folder that is not a row imports nothing, and what a row does not name it
// may not import. docs/architecture.md draws the same list, and a test holds the two together.
const { builtinModules } = require('node:module')

const path = require('node:path')

/** A folder's name stands for all below it, `folder/*` for the files that lie in it, a name with `.ts` for one file. */
const serverCore = ['server/core', 'schemas', 'clients']
const serverStore = ['server/store', ...serverCore]
const serverServices = ['server/services', ...serverStore]
const everything = [
  'schemas',
  'clients',
  'server',
  'provider',
  'bitbucket-hook',
  'worker',
  'vcs-agent',
  'ui',
  'emulator',
  'test',
  'scripts',
  'bench',
]

/**
 * `imports` names folders and files, `packages` what is in node_modules (`*` is any), `node` whether Node's own
 * modules may be used. The first row whose `files` hold a file is that file's row.
 */
const layers = [
  { files: 'schemas', imports: ['schemas'], packages: ['zod'], node: false },

  // Pure, and part of the browser's files too: the one place that compares webhooks.
  ...['webhook-drift', 'desired-webhook'].map((name) => ({
    files: `clients/bitbucket/${name}.ts`,
    imports: ['clients/bitbucket', 'schemas'],
    packages: ['zod'],
    node: false,
  })),
  {
    files: 'clients/bitbucket',
    imports: ['clients/bitbucket', 'clients/*', 'schemas'],
    packages: ['zod', 'p-limit', 'p-retry', '@coderabbitai/bitbucket'],
    node: true,
  },
  { files: 'clients/server', imports: ['clients/server', 'clients/*', 'schemas'], packages: ['zod'], node: true },
  { files: 'clients/transport-undici.ts', imports: ['clients/*', 'schemas'], packages: ['undici'], node: true },
  { files: 'clients/*', imports: ['clients/*', 'schemas'], packages: ['zod', 'p-limit', 'p-retry'], node: true },

  {
    files: 'server/core',
    imports: serverCore,
    packages: ['zod', 'pino', 'jsonwebtoken', 'prom-client'],
    node: true,
  },
  {
    files: 'server/store',
    imports: serverStore,
    packages: ['zod', 'pino', 'prom-client', 'kysely', 'better-sqlite3', 'pg', 'graphile-worker'],
    node: true,
  },
  {
    files: 'server/services',
    imports: serverServices,
    packages: ['zod', 'pino', 'prom-client', 'p-limit', 'p-retry'],
    node: true,
  },
  {
    files: 'server/http',
    imports: ['server/http', ...serverServices],
    packages: ['zod', 'pino', 'prom-client', 'express'],
    node: true,
  },
  {
    files: 'server/jobs',
    imports: ['server/jobs', ...serverServices],
    packages: ['zod', 'pino', 'prom-client', 'p-limit', 'p-retry'],
    node: true,
  },
  {
    files: 'server/agents',
    imports: ['server/agents', ...serverServices],
    packages: ['zod', 'pino', 'prom-client', 'ws'],
    node: true,
  },
  {
    files: 'server/commands',
    imports: ['server/commands', 'server/*', ...serverServices],
    packages: ['zod', 'pino', 'commander'],
    node: true,
  },
  {
    files: 'server/*',
    imports: ['server', 'schemas', 'clients'],
    packages: ['zod', 'pino', 'prom-client', 'express', 'commander'],
    node: true,
  },

  {
    files: 'provider/framework',
    imports: ['provider/framework', 'schemas'],
    packages: ['zod'],
    node: true,
  },
  {
    files: 'provider/protocol',
    imports: ['provider/protocol', 'provider/framework'],
    packages: ['@msgpack/msgpack', '@bufbuild/protobuf'],
    node: true,
  },
  ...['resources', 'data-sources', 'ephemeral', 'functions'].map((folder) => ({
    files: `provider/${folder}`,
    imports: [`provider/${folder}`, 'provider/resources', 'provider/framework', 'clients', 'schemas'],
    packages: ['zod'],
    node: true,
  })),
  { files: 'provider', imports: ['provider', 'clients', 'schemas'], packages: ['zod'], node: true },

  {
    files: 'bitbucket-hook/plugin',
    imports: ['bitbucket-hook/plugin', 'clients/bitbucket', 'schemas'],
    packages: ['zod'],
    node: false,
  },
  ...['desired', 'sources'].map((part) => ({
    files: `bitbucket-hook/${part}`,
    imports: [`bitbucket-hook/${part}`, 'clients', 'schemas'],
    packages: ['zod', 'pino'],
    node: true,
  })),
  {
    files: 'bitbucket-hook/controller',
    imports: ['bitbucket-hook/controller', 'bitbucket-hook/desired', 'bitbucket-hook/sources', 'clients', 'schemas'],
    packages: ['zod', 'pino', 'p-limit', 'prom-client'],
    node: true,
  },
  {
    files: 'bitbucket-hook',
    imports: [
      'bitbucket-hook/*',
      'bitbucket-hook/cli',
      'bitbucket-hook/controller',
      'bitbucket-hook/desired',
      'bitbucket-hook/sources',
      'clients',
      'schemas',
    ],
    packages: ['zod', 'pino', 'commander', 'prom-client'],
    node: true,
  },

  { files: 'worker', imports: ['worker', 'clients', 'schemas'], packages: ['zod', 'pino', 'commander'], node: true },
  { files: 'vcs-agent', imports: ['vcs-agent', 'clients', 'schemas'], packages: ['zod', 'pino', 'ws'], node: true },
  { files: 'ui', imports: ['ui', 'clients/server', 'schemas'], packages: ['zod', 'react', 'react-dom'], node: false },
  { files: 'emulator', imports: ['emulator', 'schemas'], packages: ['zod', '@coderabbitai/bitbucket'], node: true },

  ...['test', 'scripts', 'bench'].map((files) => ({ files, imports: everything, packages: ['*'], node: true })),
]

/** Packages that one place alone may import, whatever else a row allows. */
const single = {
  express: ['server/http', 'server/main.ts'],
  kysely: ['server/store'],
  'better-sqlite3': ['server/store'],
  'graphile-worker': ['server/store'],
  pg: ['server/store'],
  undici: ['clients/transport-undici.ts'],
  '@msgpack/msgpack': ['provider/protocol'],
  '@bufbuild/protobuf': ['provider/protocol'],
}
const tooling = ['test', 'scripts', 'bench']

const quote = (text) => text.replace(/[.\\/]/g, '\\$&')
/** `bitbucket-hook/desired` is the folder as well as the file `bitbucket-hook/desired.ts`. */
const inside = (name) => {
  if (name.endsWith('/*')) return `^${quote(name.slice(0, -1))}[^/]+$`
  return name.endsWith('.ts') ? `^${quote(name)}$` : `^${quote(name)}(/|\\.tsx?$)`
}
const anyOf = (names) => names.map(inside).join('|')
const packagePath = (names) => `(^|/)node_modules/(@types/)?(${names.map(quote).join('|')})/`
const nodeModules = `^(node:)?(${builtinModules.map(quote).join('|')})$`

const allowed = layers.flatMap(({ files, imports, packages, node }, index) => {
  const earlier = layers.slice(0, index).map((row) => row.files)
  const nested = earlier.filter((name) => name.startsWith(`${files.replace(/\*$/, '')}`))
  const from = { path: inside(files), ...(nested.length > 0 && { pathNot: anyOf(nested) }) }
  return [
    { from, to: { path: anyOf(imports) } },
    { from, to: { path: packages.includes('*') ? '(^|/)node_modules/' : packagePath(packages) } },
    ...(node ? [{ from, to: { path: nodeModules } }] : []),
  ]
})

module.exports = {
  allowed,
  allowedSeverity: 'error',
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-missing-module', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(single).map(([name, places]) => ({
      name: `only-${places[0].replaceAll('/', '-')}-imports-${name}`,
      severity: 'error',
      from: { pathNot: `${anyOf([...places, ...tooling])}|node_modules` },
      to: { path: packagePath([name]) },
    })),
    {
      name: 'browser-files-without-node',
      comment: 'What a browser loads, and all that it imports, is free of Node’s modules.',
      severity: 'error',
      from: {
        path: anyOf([
          'ui',
          'bitbucket-hook/plugin',
          'schemas',
          'clients/bitbucket/webhook-drift.ts',
          'clients/bitbucket/desired-webhook.ts',
        ]),
      },
      to: { path: nodeModules, reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|docs|examples|\\.mooring)/|^[^/]+\\.[cm]?[jt]s$' },
    tsConfig: { fileName: path.join(__dirname, 'tsconfig.json') },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}

// Not part of dependency-cruiser's configuration: for the test that compares it with docs/architecture.md.
Object.defineProperty(module.exports, 'layers', { value: layers, enumerable: false })
