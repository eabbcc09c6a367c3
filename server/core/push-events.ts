import { pingEventKey, webhookEvents } from '../../schemas/webhook.ts'
import { FieldError, type JsonObject, readArray, readInteger, readObject, readText } from './json-fields.ts'
import { parseStrictJson, pointerTo, StrictJsonError } from './strict-json.ts'

/** Where a delivery says that something was pushed: a claim, until Bitbucket confirms it (R46). */
export interface ClaimedRepository {
  /** Bitbucket's numeric id, which outlives renames (R47). */
  readonly id: number
  readonly projectKey: string
  readonly repositorySlug: string
}

/** One branch that a push moved or made. */
export interface Push {
  /** Without `refs/heads/`. */
  readonly branch: string
  /** Null where the branch is new. */
  readonly fromHash: string | null
  readonly toHash: string
  readonly kind: 'add' | 'update'
}

/** What a stored body says. */
export type ReadDelivery =
  | {
      readonly kind: 'push'
      readonly eventKey: string
      readonly repository: ClaimedRepository
      readonly pushes: readonly Push[]
      /** Changes that never make a run (R50). */
      readonly ignored: readonly IgnoredChange[]
    }
  /** An event that makes no run, known or not (R38). */
  | { readonly kind: 'other'; readonly eventKey: string }
  | {
      readonly kind: 'unreadable'
      readonly eventKey: string | null
      readonly reason: 'malformed' | 'key_mismatch'
      /** JSON pointer to the field, "" for the whole body. */
      readonly pointer: string
      readonly detail: string
    }

export type IgnoredChange = 'tag' | 'delete' | 'other'

export const pushEventKey = 'repo:refs_changed'

/** Bodies of Bitbucket are nested about ten deep. */
const deepest = 64
/** A push of more refs at once is a migration, not work. */
const mostChanges = 10_000
const longestBranch = 1024

/**
 * Reads the body of a rightly signed delivery (R50). Only the body is signed, so its own `eventKey` counts; the
 * header's is used for a body without one, and one that disagrees makes the delivery unreadable (S1, R42). Unknown
 * fields are passed over, dates are not read (R38), and what cannot be read names its field (R33).
 */
export function readDelivery(headerKey: string, body: Uint8Array): ReadDelivery {
  let eventKey: string | null = null
  try {
    const root = readObject(parseStrictJson(body, { depth: deepest }), '')
    eventKey = root.eventKey === undefined ? headerKey : readText(root.eventKey, '/eventKey', isEventKey)
    if (headerKey !== '' && headerKey !== eventKey) return keyMismatch(eventKey)
    if (eventKey === '') throw new FieldError('/eventKey', 'expected an event key')
    if (eventKey !== pushEventKey) return { kind: 'other', eventKey }
    return { kind: 'push', eventKey, ...readPush(root) }
  } catch (error) {
    if (error instanceof FieldError || error instanceof StrictJsonError) {
      const { pointer, message } = error
      return { kind: 'unreadable', eventKey, reason: 'malformed', pointer, detail: message }
    }
    throw error
  }
}

/** Whether Mooring knows the event at all: those of `schemas/webhook.ts`, and the ping. */
export function isKnownEvent(eventKey: string): boolean {
  return eventKey === pingEventKey || webhookEvents.some(({ key }) => key === eventKey)
}

function keyMismatch(eventKey: string): ReadDelivery {
  const detail = 'differs from the header X-Event-Key, which is not signed'
  return { kind: 'unreadable', eventKey, reason: 'key_mismatch', pointer: '/eventKey', detail }
}

function readPush(root: JsonObject): Omit<Extract<ReadDelivery, { kind: 'push' }>, 'kind' | 'eventKey'> {
  const repository = readRepository(root)
  const pushes: Push[] = []
  const ignored: IgnoredChange[] = []
  const changes = readArray(root.changes, '/changes', mostChanges)
  for (const [index, change] of changes.entries()) {
    const read = readChange(change, pointerTo('/changes', index))
    if (typeof read === 'string') ignored.push(read)
    else pushes.push(read)
  }
  return { repository, pushes, ignored }
}

function readRepository(root: JsonObject): ClaimedRepository {
  const repository = readObject(root.repository, '/repository')
  const project = readObject(repository.project, '/repository/project')
  return {
    id: readInteger(repository.id, '/repository/id'),
    projectKey: readText(project.key, '/repository/project/key', isPathSegment),
    repositorySlug: readText(repository.slug, '/repository/slug', isPathSegment).toLowerCase(),
  }
}

function readChange(value: unknown, at: string): Push | IgnoredChange {
  const change = readObject(value, at)
  const ref = readObject(change.ref, pointerTo(at, 'ref'))
  const refType = readText(ref.type, `${at}/ref/type`, isWord)
  const changeType = readText(change.type, `${at}/type`, isWord)
  const toHash = readText(change.toHash, `${at}/toHash`, isHash)
  if (refType === 'TAG') return 'tag'
  if (refType !== 'BRANCH') return 'other'
  // The null hash says that the branch is gone, whatever the type says (R50).
  if (changeType === 'DELETE' || isNullHash(toHash)) return 'delete'
  if (changeType !== 'ADD' && changeType !== 'UPDATE') return 'other'
  const branch = readText(ref.id, `${at}/ref/id`, isBranchRef).slice(branchPrefix.length)
  const fromHash = readText(change.fromHash, `${at}/fromHash`, isHash)
  return isNullHash(fromHash) || changeType === 'ADD'
    ? { branch, fromHash: null, toHash, kind: 'add' }
    : { branch, fromHash, toHash, kind: 'update' }
}

const branchPrefix = 'refs/heads/'

const isEventKey = { expected: 'an event key', test: (text: string) => /^[\w:.-]{1,100}$/.test(text) }
const isWord = { expected: 'a word in capitals', test: (text: string) => /^[A-Z_]{1,40}$/.test(text) }
const isHash = { expected: 'a commit hash', test: (text: string) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text) }
/** It becomes one segment of Bitbucket's addresses. */
const isPathSegment = {
  expected: 'a key without blanks and slashes',
  test: (text: string) => /^[^\s\p{C}/\\?#%]{1,128}$/u.test(text) && text !== '.' && text !== '..',
}
const isBranchRef = {
  expected: 'refs/heads/ and a branch name',
  // What git itself refuses in a name would mean something else where the name is used.
  test: (text: string) =>
    text.startsWith(branchPrefix) &&
    text.length > branchPrefix.length &&
    text.length <= branchPrefix.length + longestBranch &&
    !/[\p{Cc}\p{Cs} ~^:?*[\\]|\.\.|@\{/u.test(text),
}

function isNullHash(hash: string): boolean {
  return /^0+$/.test(hash)
}
