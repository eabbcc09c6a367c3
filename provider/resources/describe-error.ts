import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { ServerProblem, UnexpectedAnswer } from '../../clients/server/problem.ts'
import { TransportError } from '../../clients/transport.ts'
import { at, type Diagnostic, DiagnosticError, type Path } from '../framework/diagnostics.ts'

/** Turns a failure of one of the two APIs into the diagnostic that the user sees; undefined for anything else. */
export function describeError(error: unknown): Diagnostic | undefined {
  if (error instanceof ServerProblem) return describeProblem(error)
  if (error instanceof BitbucketError) return { severity: 'error', summary: 'Bitbucket refused', detail: error.message }
  if (error instanceof UnexpectedAnswer) {
    return { severity: 'error', summary: 'The server is not Mooring', detail: error.message }
  }
  if (error instanceof TransportError) {
    return { severity: 'error', summary: 'No answer', detail: `${error.message} Check the address and the network.` }
  }
  return undefined
}

/** A taken name is most often an object that exists already: the error says how to import it (R136). */
export function importInstead(error: unknown, typeName: string, id: string): unknown {
  if (!(error instanceof ServerProblem) || error.code !== 'name_taken') return error
  return importExisting(error, typeName, id, at('name'))
}

/** The error for an object that exists already, with the block that imports it (R136). */
export function importExisting(error: ServerProblem, typeName: string, id: string, path: Path): DiagnosticError {
  return new DiagnosticError(
    'It exists already',
    `${error.detail}\n\nTo manage the existing one, import it:\n\n  import {\n    to = ${typeName}.<name in this configuration>\n    id = ${JSON.stringify(id)}\n  }`,
    path,
    { cause: error },
  )
}

function describeProblem(problem: ServerProblem): Diagnostic {
  if (problem.code === 'route_not_found' || problem.code === 'method_not_allowed') {
    return {
      severity: 'error',
      summary: 'The server does not know this request',
      detail: `${problem.detail} The endpoint has a path too many, or the server is a Mooring too old for this provider: update it.`,
    }
  }
  const fields = problem.errors
    .filter(({ detail }) => !problem.detail.includes(detail))
    .map(({ pointer, detail }) => `${pathOf(pointer).map(nameOf).join('.')}: ${detail}`)
  const path = pathOf(problem.errors[0]?.pointer ?? '')
  const diagnostic = {
    severity: 'error' as const,
    summary: `Mooring refused (${problem.code})`,
    detail: [problem.detail, ...fields].join('\n'),
  }
  return path.length > 0 ? { ...diagnostic, path } : diagnostic
}

/** The attribute that a JSON pointer into the API's body means: `/repository/projectKey` is `repository.project_key`. */
function pathOf(pointer: string): Path {
  const names = pointer.split('/').filter((name) => name !== '' && !/^\d+$/.test(name))
  return at(...names.map((name, index) => (names[index - 1] === 'repository' ? nested(name) : snakeCase(name))))
}

function nested(name: string): string {
  return name === 'repositorySlug' ? 'slug' : snakeCase(name)
}

function snakeCase(name: string): string {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return snake === 'parent_id' ? 'parent_space_id' : snake
}

function nameOf(step: Path[number]): string {
  return 'attribute' in step ? step.attribute : ''
}
