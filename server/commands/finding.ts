/** What one check found. A failed one ends the command with 1; a warning does not. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed'
  /** What is so, in plain words. */
  readonly says: string
  /** What to do about it; absent where nothing is to be done. */
  readonly remedy?: string
}

export function ok(check: string, says: string): Finding {
  return { check, status: 'ok', says }
}

export function warning(check: string, says: string, remedy: string): Finding {
  return { check, status: 'warning', says, remedy }
}

export function failed(check: string, says: string, remedy: string): Finding {
  return { check, status: 'failed', says, remedy }
}
