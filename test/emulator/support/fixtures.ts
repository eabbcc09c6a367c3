import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reference } from './openapi-check.ts'

/** A public answer of a real Bitbucket, and the answer of the emulator that must have its keys and types. */
export interface FixtureRow {
  readonly file: string
  /** The row of the table of operations and the status. */
  readonly answer: string
  /** The part of both that is compared; all of it when absent. */
  readonly part?: readonly (string | number)[]
  /** Keys that this fixture's author simplified, with what they should be. */
  readonly except?: Readonly<Record<string, string>>
}

const jenkins = 'jenkinsci_atlassian-bitbucket-server-integration-plugin__'
const repo = '/rest/api/latest/projects/{projectKey}/repos/{repositorySlug}'

export const fixtures: readonly FixtureRow[] = [
  { file: 'cdancy_bitbucket-rest__version.json', answer: 'GET /rest/api/latest/application-properties 200' },
  { file: `${jenkins}webhook-capabilities-response.json`, answer: 'GET /rest/webhooks/latest/capabilities 200' },
  {
    file: `${jenkins}capabilities~build_status_capabilities.json`,
    answer: 'GET /rest/api/latest/build/capabilities 200',
  },
  { file: `${jenkins}project-response.json`, answer: 'GET /rest/api/latest/projects/{projectKey} 200' },
  { file: `${jenkins}project-page-all-response.json`, answer: 'GET /rest/api/latest/projects 200' },
  { file: `${jenkins}project-page-filtered-response.json`, answer: 'GET /rest/api/latest/projects 200' },
  { file: `${jenkins}repository-response.json`, answer: `GET ${repo} 200` },
  { file: `${jenkins}repository-nossh-response.json`, answer: `GET ${repo} 200` },
  { file: `${jenkins}repo-filter-response.json`, answer: 'GET /rest/api/latest/repos 200' },
  { file: `${jenkins}webhook~configured_web_hooks_response.json`, answer: `GET ${repo}/webhooks 200` },
  { file: `${jenkins}webhook~web_hooks_in_system_last_page.json`, answer: `GET ${repo}/webhooks 200` },
  { file: `${jenkins}webhook~webhook_created_response.json`, answer: `POST ${repo}/webhooks 200` },
  { file: `${jenkins}branches-last-page.json`, answer: `GET ${repo}/branches 200` },
  { file: `${jenkins}default-branch.json`, answer: `GET ${repo}/branches/default 200` },
  { file: `${jenkins}tags-last-page.json`, answer: `GET ${repo}/tags 200` },
  {
    file: `${jenkins}commit.json`,
    answer: `GET ${repo}/commits 200`,
    except: { committerTimestamp: 'a number; the fixture was written by hand with a string' },
  },
  { file: `${jenkins}file-contents.json`, answer: `GET ${repo}/browse/{path} 200` },
  {
    file: 'runatlantis_atlantis__bitbucket-server-get-pull-changes.json',
    answer: `GET ${repo}/compare/changes 200`,
    part: ['values'],
  },
  { file: 'cdancy_bitbucket-rest__repository-not-exist.json', answer: `GET ${repo} 404` },
  { file: `${jenkins}missing-commit.json`, answer: `GET ${repo}/commits/{commitId} 404` },
  { file: 'cdancy_bitbucket-rest__project-create-fail.json', answer: 'POST /rest/api/latest/projects 400' },
  { file: 'cdancy_bitbucket-rest__errors.json', answer: `POST ${repo}/webhooks 400` },
]

export function readFixture(file: string): unknown {
  return JSON.parse(readFileSync(join(reference, 'rest', file), 'utf8'))
}

export function readPayload(file: string): unknown {
  return JSON.parse(readFileSync(join(reference, 'payloads', file), 'utf8'))
}

/**
 * The keys of the fixture that the answer lacks or has with another type. A null in the fixture stands for any type;
 * of arrays each entry of the fixture is compared with the answer's entry that is most like it.
 */
export function missingFrom(
  fixture: unknown,
  answer: unknown,
  except: Readonly<Record<string, string>> = {},
): string[] {
  return compare(fixture, answer, '', except)
}

function compare(expected: unknown, actual: unknown, at: string, except: Readonly<Record<string, string>>): string[] {
  if (expected === null) return []
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${at || '/'} is not an array`]
    if (actual.length === 0) return []
    return expected.flatMap((entry) => {
      const attempts = actual.map((candidate) => compare(entry, candidate, `${at}/*`, except))
      return attempts.sort((left, right) => left.length - right.length)[0] ?? []
    })
  }
  if (typeof expected === 'object') {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return [`${at || '/'} is not an object`]
    const fields: Readonly<Record<string, unknown>> = { ...actual }
    return Object.entries(expected).flatMap(([key, value]) => {
      if (key in except) return []
      return key in fields ? compare(value, fields[key], `${at}/${key}`, except) : [`${at}/${key} is missing`]
    })
  }
  return typeof expected === typeof actual ? [] : [`${at} is ${typeof actual}, not ${typeof expected}`]
}

export function partOf(value: unknown, part: readonly (string | number)[] = []): unknown {
  return part.reduce<unknown>((found, key) => (found as Readonly<Record<string | number, unknown>>)?.[key], value)
}
