import { invalidField } from './errors.ts'
import { isRecord } from './values.ts'

interface Target {
  /** Applies to this method alone. */
  readonly method?: string
  /** Applies to paths (without the query, below the context path) that match; `*` stands for any characters. */
  readonly path?: string
  /** How often it happens; without it, until the faults are deleted. */
  readonly times?: number
}

interface DeliveryTarget {
  readonly event?: string
  readonly times?: number
}

/** What goes wrong, and where. */
export type Fault =
  | ({ readonly kind: 'latency'; readonly ms: number } & Target)
  /** With a body it is sent as it is; without one the answer is Bitbucket's errors[]. */
  | ({
      readonly kind: 'status'
      readonly status: number
      readonly retryAfterSeconds?: number
      readonly body?: string
      readonly contentType?: string
    } & Target)
  /** The work is done, then the connection is closed without an answer. */
  | ({ readonly kind: 'drop-answer' } & Target)
  /** The connection is closed before anything is done. */
  | ({ readonly kind: 'reset' } & Target)
  | ({ readonly kind: 'lose-delivery' } & DeliveryTarget)
  | ({ readonly kind: 'delay-delivery'; readonly ms: number } & DeliveryTarget)
export type FaultKind = Fault['kind']

const texts = { optional: (value: unknown) => value === undefined || typeof value === 'string' }
const counts = {
  needed: (value: unknown) => typeof value === 'number' && Number.isInteger(value) && value >= 0,
  optional: (value: unknown) => value === undefined || counts.needed(value),
}
const target = { method: texts.optional, path: texts.optional, times: counts.optional }
const deliveryTarget = { event: texts.optional, times: counts.optional }

/** The fields of each kind of fault, and what each must be. */
const fields: Readonly<Record<FaultKind, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  latency: { ms: counts.needed, ...target },
  status: {
    status: (value) => counts.needed(value) && Number(value) >= 400 && Number(value) <= 599,
    retryAfterSeconds: counts.optional,
    body: texts.optional,
    contentType: texts.optional,
    ...target,
  },
  'drop-answer': target,
  reset: target,
  'lose-delivery': deliveryTarget,
  'delay-delivery': { ms: counts.needed, ...deliveryTarget },
}

/** Reads one fault or a list of them. Throws a 400 that names the field. */
export function readFaults(body: unknown): Fault[] {
  return (Array.isArray(body) ? body : [body]).map(readFault)
}

function readFault(value: unknown): Fault {
  if (!isRecord(value)) throw invalidField('kind', 'A fault is an object with a kind.')
  const kinds = Object.keys(fields)
  const checks = isFaultKind(value.kind) ? fields[value.kind] : undefined
  if (!checks) throw invalidField('kind', `The kind of a fault is one of ${kinds.join(', ')}.`)
  for (const name of Object.keys(value)) {
    if (name !== 'kind' && !(name in checks)) throw invalidField(name, `This kind of fault has no ${name}.`)
  }
  for (const [name, isValid] of Object.entries(checks)) {
    if (!isValid(value[name])) throw invalidField(name, `The ${name} of this fault is missing or not usable.`)
  }
  return value as unknown as Fault
}

function isFaultKind(value: unknown): value is FaultKind {
  return typeof value === 'string' && value in fields
}

export interface Faults {
  add(fault: Fault): void
  clear(): void
  list(): readonly Fault[]
  /** The faults that this request meets; each counts once. */
  takeForRequest(method: string, path: string): Fault[]
  takeForDelivery(event: string): Fault[]
}

export function createFaults(): Faults {
  let active: { readonly fault: Fault; left: number }[] = []

  function take(matches: (fault: Fault) => boolean): Fault[] {
    const met = active.filter(({ fault }) => matches(fault))
    for (const entry of met) entry.left -= 1
    active = active.filter(({ left }) => left > 0)
    return met.map(({ fault }) => fault)
  }

  return {
    add(fault) {
      active.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
    },
    clear() {
      active = []
    },
    list() {
      return active.map(({ fault, left }) => (Number.isFinite(left) ? { ...fault, times: left } : fault))
    },
    takeForRequest(method, path) {
      return take(
        (fault) =>
          fault.kind !== 'lose-delivery' &&
          fault.kind !== 'delay-delivery' &&
          (fault.method === undefined || fault.method.toUpperCase() === method) &&
          (fault.path === undefined || matchesPattern(path, fault.path)),
      )
    },
    takeForDelivery(event) {
      return take(
        (fault) =>
          (fault.kind === 'lose-delivery' || fault.kind === 'delay-delivery') &&
          (fault.event === undefined || fault.event === event),
      )
    },
  }
}

/** Whether the whole text fits the pattern, in which `*` stands for any characters; linear in both. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === pattern
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
