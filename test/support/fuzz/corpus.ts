import { bytesOf, type WireRequest } from './requests.ts'
import type { Stock } from './stock.ts'

/**
 * Writes `{{stacks}}` for the id of one that there is, so that the request means the same in another world: of what it
 * names there will be the newest.
 */
export function abstractRequest(request: WireRequest, stock: Stock, bitbucketUrl: string): WireRequest {
  const names = namesOf(stock, bitbucketUrl).flatMap(([kind, ids]) => ids.map((id) => [kind, id] as const))
  const inPath = (path: string) =>
    path
      .split(/([/?&=,])/)
      .map((part) => markOf(names.find(([, id]) => encodeURIComponent(id) === part)) ?? part)
      .join('')
  const inBody = (body: string) =>
    names.reduce((text, name) => text.replaceAll(`"${name[1]}"`, `"${markOf(name)}"`), body)
  return {
    ...request,
    path: inPath(request.path),
    ...(request.body === undefined ? {} : { body: inBody(request.body) }),
  }
}

/** The request in the world whose stock is given. */
export function concreteRequest(request: WireRequest, stock: Stock, bitbucketUrl: string): WireRequest {
  const names = new Map(namesOf(stock, bitbucketUrl))
  const fill = (text: string, write: (id: string) => string) =>
    text.replace(/\{\{(\w+)\}\}/g, (mark, kind: string) => write(names.get(kind)?.[0] ?? mark))
  return {
    ...request,
    path: fill(request.path, encodeURIComponent),
    ...(request.body === undefined ? {} : { body: fill(request.body, bytesOf) }),
  }
}

function namesOf(stock: Stock, bitbucketUrl: string): [string, readonly string[]][] {
  // What stays is there in every world.
  const passing = (ids: readonly string[]) => ids.filter((id) => id !== 'root' && !id.startsWith('pillar'))
  return [
    ...Object.entries(stock).map(([kind, ids]): [string, string[]] => [kind, passing(ids)]),
    ['bitbucket', [bitbucketUrl]],
  ]
}

function markOf(name: readonly [string, string] | undefined): string | undefined {
  return name && `{{${name[0]}}}`
}
