import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gitEnvironment } from './plumbing.ts'

export interface BackendRequest {
  /** The folder that holds the bare repositories. */
  readonly root: string
  /** Below the root, with the service: `/12.git/info/refs`. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly user: string
}

/**
 * Lets git's own `http-backend` answer a request over CGI, streaming both ways; resolves once it has ended, so that the
 * refs are final. The caller ends the answer: until then the client's push has not returned. See git-http-backend(1).
 */
export function streamGit(request: IncomingMessage, response: ServerResponse, backend: BackendRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['http-backend'], { env: cgiEnvironment(request, backend), stdio: 'pipe' })
    let head: Buffer = Buffer.alloc(0)
    let isHeadSent = false

    child.stdout.on('data', (chunk: Buffer) => {
      if (isHeadSent) {
        if (!response.write(chunk)) {
          child.stdout.pause()
          response.once('drain', () => child.stdout.resume())
        }
        return
      }
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      isHeadSent = true
      sendHead(response, head.subarray(0, end).toString('latin1'))
      response.write(head.subarray(end + 4))
    })
    child.stderr.resume()
    // The client may go away before git has read all; git then ends by itself.
    child.stdin.on('error', () => {})
    response.on('close', () => child.stdout.resume())
    child.on('error', reject)
    child.on('close', () => {
      if (!isHeadSent) response.writeHead(500)
      resolve()
    })
    request.pipe(child.stdin)
  })
}

function cgiEnvironment(request: IncomingMessage, backend: BackendRequest): NodeJS.ProcessEnv {
  const { headers } = request
  const optional = {
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: firstOf(headers['git-protocol']),
  }
  return {
    ...gitEnvironment(backend.root),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    GIT_PROJECT_ROOT: backend.root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: backend.path,
    QUERY_STRING: backend.query,
    REQUEST_METHOD: request.method ?? 'GET',
    REMOTE_USER: backend.user,
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    GIT_COMMITTER_NAME: backend.user,
    GIT_COMMITTER_EMAIL: `${backend.user}@localhost`,
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function sendHead(response: ServerResponse, head: string): void {
  let status = 200
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.writeHead(status)
}
