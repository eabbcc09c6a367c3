import { isDeepStrictEqual } from 'node:util'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { operationFacts } from '../../../schemas/operation-facts.ts'
import { type ProblemCode, ProblemDocument, problems } from '../../../schemas/problem.ts'
import type { WireAnswer } from './requests.ts'

/** What an answer was, and what is wrong with it. */
export interface Judgement {
  readonly code: ProblemCode | undefined
  readonly isSuccess: boolean
  /** The server went on to the work itself: path, query and body were valid, and the caller known and entitled. */
  readonly isValid: boolean
  readonly wrong: readonly string[]
}

/** The only codes that an answer of a broken server may have; they say what is missing. */
const unavailable: ReadonlySet<string> = new Set([
  'bitbucket_unreachable',
  'vcs_agent_unavailable',
  'database_unavailable',
  'disk_space_low',
])

/** Answered before the request's parts have passed their validation. */
const before: ReadonlySet<string> = new Set([
  'invalid_request',
  'malformed_request',
  'route_not_found',
  'method_not_allowed',
  'unsupported_media_type',
  'too_large',
  'unauthenticated',
  'forbidden',
  'foreign_origin',
  'csrf_token_wrong',
  'json_required',
  'too_many_requests',
])

const factsOf = operationFacts(operations)

/** Every code that some operation's documentation names, but for the one that no request may cause. */
export const declaredCodes: readonly ProblemCode[] = [
  ...new Set([...factsOf.values()].flatMap((facts) => facts.problems)),
].filter((code) => code !== 'internal_error')

/** How many pairs of an operation and one of its codes there are. */
export const declaredPairs = [...factsOf.values()].reduce(
  (sum, facts) => sum + facts.problems.filter((code) => code !== 'internal_error').length,
  0,
)

/** Compares an answer with the row of the operation's table; it knows nothing of what the request was. */
export function judge(id: OperationId, { status, headers, text }: WireAnswer): Judgement {
  const operation: Operation = operations[id]
  if (status === 0) return { code: undefined, isSuccess: false, isValid: false, wrong: [`no answer: ${text}`] }
  if (status === 304) return { code: undefined, isSuccess: false, isValid: true, wrong: text === '' ? [] : ['a body'] }
  if (status < 400) {
    const wrong = wrongSuccess(operation, status, headers['idempotency-replayed'] === 'true', text)
    return { code: undefined, isSuccess: wrong.length === 0, isValid: true, wrong }
  }
  const problem = ProblemDocument.safeParse(parse(text))
  if (!problem.success) {
    const wrong = [`${status} without a problem document: ${text.slice(0, 300)}`]
    return { code: undefined, isSuccess: false, isValid: false, wrong }
  }
  const { code, errors, detail } = problem.data
  const declared = factsOf.get(id)?.problems ?? []
  const wrong = [
    ...(problem.data.status === status && problems[code].status === status ? [] : [`${status} for ${code}`]),
    ...(declared.includes(code) ? [] : [`${code} is not among the operation's problems`]),
    ...(status >= 500 && !unavailable.has(code) ? [`${status} ${code}`] : []),
    ...(code === 'invalid_request' && !errors?.length ? [`no field is named: ${detail}`] : []),
    ...(headers['content-type'] === 'application/problem+json; charset=utf-8' ? [] : [`${headers['content-type']}`]),
    ...(/\n\s+at /.test(detail) ? ['a stack in the detail'] : []),
  ]
  return { code, isSuccess: false, isValid: !before.has(code), wrong }
}

function wrongSuccess(operation: Operation, status: number, isReplay: boolean, text: string): string[] {
  if (status !== operation.status) return [`${status} in place of ${operation.status}`]
  if (!operation.response) return text === '' ? [] : [`a body: ${text.slice(0, 300)}`]
  const answered = parse(text)
  // A repeated answer is without its secrets.
  if (isReplay && operation.secretFields) return []
  const parsed = operation.response.safeParse(answered)
  if (!parsed.success) return [`not as documented: ${parsed.error.message.slice(0, 500)}`]
  return isDeepStrictEqual(parsed.data, answered) ? [] : [`undocumented fields: ${text.slice(0, 500)}`]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
