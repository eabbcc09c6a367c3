import { Problem, type ProblemCode } from '../../schemas/problem.ts'

/** A problem of one field of the request's body, named by its JSON pointer. */
export function fieldProblem(code: ProblemCode, pointer: string, detail: string): Problem {
  return new Problem(code, detail, { errors: [{ pointer, detail }] })
}

export function invalidField(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', `The request is not valid. ${pointer}: ${detail}.`, {
    errors: [{ pointer, detail }],
  })
}
