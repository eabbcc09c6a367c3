import { createHash, createHmac } from 'node:crypto'
import { webhookPathPrefix } from '../schemas/rules/webhook-path.ts'

/** How a contender wants to be called: as Bitbucket calls us, or as GitHub calls the peer. */
export type Dialect = 'bitbucket' | 'github'

/** What a contender is sent: one body per integration, each signed with the secret of its own. */
export interface Traffic {
  readonly dialect: Dialect
  readonly integrations: number
  /** One secret for all: the floors and the peer know no other. */
  readonly sharedSecret: boolean
}

/** A request without its id, which differs each time: `head`, the id, an empty line, `body`. */
export interface RequestTemplate {
  readonly head: string
  readonly body: Buffer
}

export const githubPath = '/webhooks/github'

export function slugAt(index: number): string {
  return `bench-${String(index).padStart(4, '0')}`
}

/** Both sides know it without telling each other. */
export function secretOf(slug: string): string {
  return createHash('sha256').update(`ingestion bench ${slug}`).digest('base64url')
}

export const sharedSecret: string = secretOf('all')

/** The requests of a traffic, whose bodies have 5.9 KB. */
export function requestTemplates({ dialect, integrations, sharedSecret: isShared }: Traffic): RequestTemplate[] {
  return Array.from({ length: integrations }, (_, index) => {
    const slug = slugAt(index)
    const body = pushBody(index)
    const hmac = createHmac('sha256', isShared ? sharedSecret : secretOf(slug))
    const signature = `sha256=${hmac.update(body).digest('hex')}`
    return { head: headOf(dialect, slug, signature, body.length), body }
  })
}

function headOf(dialect: Dialect, slug: string, signature: string, length: number): string {
  const common = [
    'Host: 127.0.0.1',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${length}`,
    'Accept-Encoding: gzip,deflate',
    'Connection: keep-alive',
  ]
  const lines =
    dialect === 'bitbucket'
      ? [
          `POST ${webhookPathPrefix}${slug} HTTP/1.1`,
          ...common,
          'User-Agent: Atlassian HttpClient 4.2.0 / Bitbucket-9.4.0 (9004000) / Default',
          'X-Event-Key: repo:refs_changed',
          `X-Hub-Signature: ${signature}`,
          'X-Request-Id: ',
        ]
      : [
          `POST ${githubPath} HTTP/1.1`,
          ...common,
          'User-Agent: GitHub-Hookshot/044aadd',
          'X-GitHub-Event: push',
          `X-Hub-Signature-256: ${signature}`,
          'X-GitHub-Delivery: ',
        ]
  return lines.join('\r\n')
}

/** The size of a real push with a handful of commits. */
const bodyBytes = 5_900

function pushBody(index: number): Buffer {
  const hash = (text: string) => createHash('sha1').update(`${index} ${text}`).digest('hex')
  const person = { name: 'jdoe', emailAddress: 'jdoe@example.com', active: true, displayName: 'Jo Doe', type: 'NORMAL' }
  const commits: object[] = []
  const payload = () => ({
    eventKey: 'repo:refs_changed',
    date: '2026-01-07T10:15:30+0000',
    actor: person,
    repository: {
      slug: 'infrastructure',
      id: index,
      name: 'infrastructure',
      state: 'AVAILABLE',
      project: { key: 'INFRA', id: 7, name: 'Infrastructure', public: false, type: 'NORMAL' },
    },
    changes: [
      {
        ref: { id: 'refs/heads/main', displayId: 'main', type: 'BRANCH' },
        refId: 'refs/heads/main',
        fromHash: hash('from'),
        toHash: hash('to'),
        type: 'UPDATE',
      },
    ],
    commits,
    padding: '',
  })
  const size = () => JSON.stringify(payload()).length
  for (let next = 0; size() < bodyBytes - 700; next += 1) {
    const id = hash(`commit ${next}`)
    const message = `Raise the number of nodes of pool ${next}`
    commits.push({ id, displayId: id.slice(0, 11), author: person, committer: person, message, parents: [] })
  }
  const padding = 'x'.repeat(Math.max(0, bodyBytes - size()))
  return Buffer.from(JSON.stringify({ ...payload(), padding }))
}
