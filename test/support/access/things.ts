import type { Caller } from '../../../server/core/authorise.ts'

/** The kinds of objects, each by the part of the address that names it. */
export const kinds = [
  'spaces',
  'integrations',
  'stacks',
  'modules',
  'runs',
  'deliveries',
  'registrations',
  'users',
  'api-keys',
  'vcs-agent-pools',
] as const
export type Kind = (typeof kinds)[number]

/** An object of the world, and the words by which it would be known in an answer. */
export interface Thing {
  readonly kind: Kind
  /** As it stands in an address. */
  readonly id: string
  /** The space in which it lives; for a user or a user's key none. */
  readonly spaceId: string | undefined
  /** The integration that it is, or belongs to. */
  readonly integration: Thing | undefined
  readonly isDefault: boolean
  /** The user that it is, or whose it is. */
  readonly userId: string | undefined
  /** The stack whose run it is; a delivery's are those of its runs. */
  readonly stacks: readonly Thing[]
  /** Its id, and whatever else other answers may name it by. */
  readonly names: readonly string[]
  /** Its name, labels, descriptions and the like, which are shown with the object alone. */
  readonly texts: readonly string[]
  /** What those are shown who may have it. */
  readonly secrets: readonly string[]
}

export interface WorldCaller {
  readonly who: string
  readonly caller: Caller
  /** Undefined: the caller sends no token. */
  readonly key: { readonly keyId: string; readonly keySecret: string } | undefined
}
