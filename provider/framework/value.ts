import type { Type } from './type.ts'

/**
 * A number that loses nothing: a JavaScript number where that is exact, a bigint for an integer beyond 2^53, and else its
 * decimal text. A fractional JavaScript number stands for the decimal that it prints as.
 */
export type Numeric = number | bigint | string

/** Any value, known or not. An object also stands for a map, an array for a list, a set or a tuple. */
export type Value = null | string | number | bigint | boolean | Unknown | Dynamic | readonly Value[] | ValueObject
export type ValueObject = { readonly [name: string]: Value }

const unknownMark = Symbol.for('terraform.unknown')
const dynamicMark = Symbol.for('terraform.dynamic')

/** A value that only apply will tell. */
export interface Unknown {
  readonly [unknownMark]: true
  readonly refinements?: Refinements
}

/** What is known about an unknown value. Terraform may use it, so it is handed back as it came. */
export interface Refinements {
  readonly notNull?: true
  readonly prefix?: string
  readonly lower?: { readonly value: Numeric; readonly inclusive: boolean }
  readonly upper?: { readonly value: Numeric; readonly inclusive: boolean }
  readonly minLength?: number
  readonly maxLength?: number
}

/** The value of a dynamic attribute: it carries its own type, for no schema tells it. */
export interface Dynamic {
  readonly [dynamicMark]: true
  readonly type: Type
  readonly value: Value
}

/** The unknown value about which nothing is known. */
export const unknown: Unknown = Object.freeze({ [unknownMark]: true as const })

export function refinedUnknown(refinements: Refinements): Unknown {
  return { [unknownMark]: true, refinements }
}

export function isUnknown(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && unknownMark in value
}

/** The value, or what apply found out where the plan left it open. */
export function known<T>(value: T | Unknown, otherwise: NoInfer<T>): T {
  return isUnknown(value) ? otherwise : value
}

export function dynamic(type: Type, value: Value): Dynamic {
  return { [dynamicMark]: true, type, value }
}

export function isDynamic(value: unknown): value is Dynamic {
  return typeof value === 'object' && value !== null && dynamicMark in value
}

export function isObject(value: unknown): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isUnknown(value) && !isDynamic(value)
}

/** Whether nothing in the value is unknown, however deep. */
export function isFullyKnown(value: Value): boolean {
  if (value === null || typeof value !== 'object') return true
  if (isUnknown(value)) return false
  if (isDynamic(value)) return isFullyKnown(value.value)
  return Object.values(value).every(isFullyKnown)
}

/** An object from pairs whose keys come from users: `__proto__` stays an ordinary key. */
export function objectFrom<T>(entries: Iterable<readonly [string, T]>): { [key: string]: T } {
  return Object.fromEntries(entries)
}
