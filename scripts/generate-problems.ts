import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { operations } from '../schemas/api.ts'
import type { Operation } from '../schemas/operation.ts'
import { problems } from '../schemas/problem.ts'

/** Writes docs/problems.md: every failure that the API names, from the one table. */
export async function generateProblems(root: string): Promise<void> {
  const rows = Object.entries(problems).map(([code, { status, title }]) => {
    return `| \`${code}\` | ${status} | ${title} | ${answeredBy(code)} |`
  })
  const text = [
    '# Problems',
    '',
    'A failure is answered as `application/problem+json` (RFC 9457). `code` is stable; `type` is',
    '`urn:mooring:problem:<code>`; `detail` says what is wrong, with which object, and what to do; `errors` names each',
    'wrong field by JSON pointer, or `?name` in the query; `stacks` names the stacks that would lose their integration.',
    '',
    '| code | status | title | answered by |',
    '|---|---|---|---|',
    ...rows,
    '',
  ]
  await mkdir(join(root, 'docs'), { recursive: true })
  await writeFile(join(root, 'docs/problems.md'), text.join('\n'))
}

/** What the router answers to many operations, in words. */
const answeredByRouter: Readonly<Record<string, string>> = {
  precondition_failed: 'changes and deletions of one object, with If-Match',
  request_in_progress: 'writes with an Idempotency-Key',
  idempotency_key_reused: 'writes with an Idempotency-Key',
  idempotency_roles_changed: 'writes with an Idempotency-Key',
  too_many_idempotency_keys: 'writes with an Idempotency-Key',
}

function answeredBy(code: string): string {
  const words = answeredByRouter[code]
  if (words !== undefined) return words
  const ids = (Object.entries(operations) as [string, Operation][])
    .filter(([, operation]) => operation.problems.some((problem) => problem === code))
    .map(([id]) => id)
  return ids.length === 0 ? 'any operation' : ids.join(', ')
}
