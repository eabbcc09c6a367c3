/** One step from a block to a value inside it. A set's elements have no step: point at the set. */
export type PathStep = { readonly attribute: string } | { readonly index: number } | { readonly key: string }
export type Path = readonly PathStep[]

export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly summary: string
  readonly detail: string
  readonly path?: Path
}

/** What a validator found; `path` starts at the value it was given. */
export interface Finding {
  readonly message: string
  readonly severity?: 'error' | 'warning'
  readonly path?: Path
}

/** Collects what the user should know; nothing stops at the first. */
export interface Diagnostics {
  /** `summary` is one constant line; `detail` says what, which one, and what to do. Never a secret. */
  error(summary: string, detail: string, path?: Path): void
  warning(summary: string, detail: string, path?: Path): void
  add(diagnostic: Diagnostic): void
  hasErrors(): boolean
  readonly list: readonly Diagnostic[]
}

export function newDiagnostics(): Diagnostics {
  const list: Diagnostic[] = []
  const push = (severity: Diagnostic['severity'], summary: string, detail: string, path?: Path) => {
    list.push(path ? { severity, summary, detail, path } : { severity, summary, detail })
  }
  return {
    list,
    error: (summary, detail, path) => push('error', summary, detail, path),
    warning: (summary, detail, path) => push('warning', summary, detail, path),
    add: (diagnostic) => list.push(diagnostic),
    hasErrors: () => list.some(({ severity }) => severity === 'error'),
  }
}

/** An expected failure: thrown anywhere in resource code, it becomes exactly this diagnostic. */
export class DiagnosticError extends Error {
  readonly diagnostic: Diagnostic
  constructor(summary: string, detail: string, path?: Path, options?: ErrorOptions) {
    super(`${summary}: ${detail}`, options)
    this.name = 'DiagnosticError'
    this.diagnostic = path ? { severity: 'error', summary, detail, path } : { severity: 'error', summary, detail }
  }
}

/** Builds a path: a string is an attribute, a number a list index, `{ key }` the key of a map. */
export function at(...steps: readonly (string | number | PathStep)[]): Path {
  return steps.map((step) => {
    if (typeof step === 'string') return { attribute: step }
    return typeof step === 'number' ? { index: step } : step
  })
}

/** The path as it is written in configuration: `rules[0].labels["a"]`. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if ('attribute' in step) return index === 0 ? step.attribute : `.${step.attribute}`
      return 'index' in step ? `[${step.index}]` : `[${JSON.stringify(step.key)}]`
    })
    .join('')
}
