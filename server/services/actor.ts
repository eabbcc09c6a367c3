import type { Caller } from '../core/authorise.ts'

/** Whom the audit log names. */
export function actorOf(caller: Caller): string {
  return caller.keyId === null ? caller.kind : `key:${caller.keyId}`
}
