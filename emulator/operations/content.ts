import { type Answer, json, type RepositoryCall } from '../call.ts'
import { badRequest, noSuchPath } from '../errors.ts'
import { GitError } from '../git/plumbing.ts'
import { pageOf } from '../paging.ts'
import { representPath } from '../representation.ts'
import { commitOf } from './commits.ts'

interface Entry {
  readonly mode: string
  readonly kind: string
  readonly id: string
  readonly size: number
  /** Relative to the folder that was listed. */
  readonly name: string
}

const nodeTypes: Readonly<Record<string, string>> = { blob: 'FILE', tree: 'DIRECTORY', commit: 'SUBMODULE' }

/** The bytes of a file at `at`, or on the default branch. */
export async function getRawFile(call: RepositoryCall): Promise<Answer> {
  const path = pathOf(call)
  if (path === '') throw badRequest('The path is missing.')
  const at = await commitOf(call, call.query.get('at'))
  const content = await readBlob(call, at, path)
  const contentType = content.includes(0) ? 'application/octet-stream' : 'text/plain;charset=UTF-8'
  return { status: 200, bytes: { contentType, content } }
}

/** A page of a file's lines, or of a folder's entries. */
export async function browse(call: RepositoryCall): Promise<Answer> {
  const { settings } = call.emulator
  const path = pathOf(call)
  const at = await commitOf(call, call.query.get('at'))
  const kind = path === '' ? 'tree' : await kindOf(call, at, path)
  if (call.query.get('type') === 'true') return json({ type: nodeTypes[kind] ?? 'FILE' })
  if (kind === 'tree') {
    const entries = await listEntries(call, at, path, [])
    const children = pageOf(entries.map(representEntry), call.query, settings, 'null')
    return json({ path: representPath(path), revision: call.query.get('at') ?? at, children })
  }
  const content = await readBlob(call, at, path)
  if (call.query.get('size') === 'true') return json({ size: content.length })
  if (content.includes(0)) return json({ binary: true, path: representPath(path) })
  const lines = content.toString('utf8').replace(/\n$/, '').split('\n')
  const { values, ...page } = pageOf(
    lines.map((text) => ({ text })),
    call.query,
    settings,
    'null',
  )
  return json({ lines: values, ...page })
}

function representEntry(entry: Entry) {
  return {
    path: representPath(entry.name),
    contentId: entry.id,
    type: nodeTypes[entry.kind] ?? 'FILE',
    ...(entry.kind === 'blob' ? { size: entry.size } : {}),
  }
}

/** The names of all files below a folder. */
export async function listFiles(call: RepositoryCall): Promise<Answer> {
  const at = await commitOf(call, call.query.get('at'))
  const entries = await listEntries(call, at, pathOf(call), ['-r'])
  return json(
    pageOf(
      entries.map((entry) => entry.name),
      call.query,
      call.emulator.settings,
      'null',
    ),
  )
}

const formats: Readonly<Record<string, { readonly git: string; readonly contentType: string }>> = {
  zip: { git: 'zip', contentType: 'application/zip' },
  tar: { git: 'tar', contentType: 'application/x-tar' },
  'tar.gz': { git: 'tar.gz', contentType: 'application/x-tar-gz' },
  tgz: { git: 'tgz', contentType: 'application/x-tar-gz' },
}

/** The tree at `at` as an archive, made by git; `prefix` and `path` (repeated) as git-archive knows them. */
export async function getArchive(call: RepositoryCall): Promise<Answer> {
  const { query } = call
  const format = formats[query.get('format') ?? 'zip']
  if (!format) throw badRequest(`The format is none of ${Object.keys(formats).join(', ')}.`)
  const at = await commitOf(call, query.get('at'))
  const prefix = query.get('prefix')
  const args = ['archive', `--format=${format.git}`]
  if (prefix !== null && prefix !== '') args.push(`--prefix=${prefix.replace(/\/*$/, '/')}`)
  const content = await call.emulator.git.run(call.repository, [...args, at, '--', ...query.getAll('path')])
  return { status: 200, bytes: { contentType: format.contentType, content } }
}

function pathOf(call: RepositoryCall): string {
  return (call.params.path ?? '').replace(/^\/+|\/+$/g, '')
}

async function readBlob(call: RepositoryCall, at: string, path: string): Promise<Buffer> {
  if ((await kindOf(call, at, path)) !== 'blob') throw noSuchPath(path, at)
  return call.emulator.git.run(call.repository, ['cat-file', 'blob', `${at}:${path}`])
}

async function kindOf(call: RepositoryCall, at: string, path: string): Promise<string> {
  try {
    return (await call.emulator.git.run(call.repository, ['cat-file', '-t', `${at}:${path}`])).toString('utf8').trim()
  } catch (error) {
    if (error instanceof GitError) throw noSuchPath(path, call.query.get('at') ?? at)
    throw error
  }
}

async function listEntries(call: RepositoryCall, at: string, path: string, options: readonly string[]) {
  if (path !== '' && (await kindOf(call, at, path)) !== 'tree') throw noSuchPath(path, at)
  const output = await call.emulator.git.run(call.repository, ['ls-tree', '-z', '-l', ...options, `${at}:${path}`])
  return output
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '')
    .map((line): Entry => {
      const tab = line.indexOf('\t')
      const [mode = '', kind = '', id = '', size = ''] = line.slice(0, tab).split(/ +/)
      return { mode, kind, id, size: Number(size) || 0, name: line.slice(tab + 1) }
    })
}
