import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { Problem } from '../../schemas/problem.ts'
import { parseStrictJson, StrictJsonError } from '../core/strict-json.ts'

const bodyLimitBytes = 1024 * 1024
/** Objects and lists inside one another. */
const deepest = 64

const mediaType = /^application\/json\s*(;\s*charset\s*=\s*("utf-8"|utf-8)\s*)?$/i

/**
 * Reads a body that is JSON in UTF-8 and can be read in one way alone; what is not is refused, never mended (R204,
 * R211). A request without a body leaves `request.body` undefined.
 */
export function readJson(): RequestHandler {
  const readBytes = express.raw({ type: () => true, limit: bodyLimitBytes, inflate: false })
  return (request, response, next) => {
    if (!hasBody(request)) {
      request.body = undefined
      return next()
    }
    if (!mediaType.test(request.get('content-type') ?? '')) {
      throw new Problem('unsupported_media_type', 'Send the body as application/json in UTF-8, without an encoding.')
    }
    readBytes(request, response, (error?: unknown) =>
      error === undefined ? parse(request, response, next) : next(error),
    )
  }
}

function parse(request: Request, _response: Response, next: NextFunction): void {
  try {
    request.body = parseStrictJson(request.body as Uint8Array, { depth: deepest })
    next()
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
    const { message, pointer } = error
    const place = pointer === '' ? '' : ` ${pointer}`
    next(
      new Problem('malformed_request', `The body cannot be read${place}: ${message}.`, {
        errors: [{ pointer, detail: message }],
      }),
    )
  }
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
}
