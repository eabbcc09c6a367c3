import type { Json } from './json.ts'

/** Small facts kept beside the state, by key. Terraform stores them unencrypted: no secrets. */
export interface PrivateState {
  get(key: string): Json | undefined
  set(key: string, value: Json): void
  delete(key: string): void
  entries(): { readonly [key: string]: Json }
}

export function newPrivateState(initial: { readonly [key: string]: Json }): PrivateState {
  const values = new Map(Object.entries(initial))
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    delete: (key) => void values.delete(key),
    entries: () => Object.fromEntries(values),
  }
}
