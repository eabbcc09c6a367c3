import { leadingIds, type Rule, type RuleState } from './rules.ts'
import type { TestTitle } from './titles.ts'

/** What comparing rules and tests came to; an empty list of errors means that they agree. */
export interface Judgement {
  readonly errors: readonly string[]
  readonly counts: Readonly<Record<RuleState, number>>
}

/**
 * Holds the documents against the tests: a rule *proven* or *partly* built has a test whose title starts with its id,
 * a rule *not built* has none, every id in a title is a rule's, and no rule is written twice. A promise (N…) needs no
 * test of its own, but it is proven only when each rule that it stands on is.
 */
export function judge(rules: readonly Rule[], tests: readonly TestTitle[]): Judgement {
  const byId = new Map<string, Rule>()
  const errors: string[] = []
  for (const rule of rules) {
    const first = byId.get(rule.id)
    if (first) errors.push(`${rule.place}: ${rule.id} is already written at ${first.place}.`)
    else byId.set(rule.id, rule)
  }
  const tested = new Set<string>()
  for (const { title, place } of tests) {
    for (const id of leadingIds(title)) {
      tested.add(id)
      const rule = byId.get(id)
      if (!rule) errors.push(`${place}: the test "${title}" names ${id}, which no document of docs/behaviour has.`)
      else if (rule.state === 'not built') {
        errors.push(`${place}: the test "${title}" proves ${id}, which ${rule.place} calls not built.`)
      }
    }
  }
  for (const rule of byId.values()) errors.push(...unproven(rule, byId, tested))
  return { errors, counts: count([...byId.values()]) }
}

function unproven(rule: Rule, byId: ReadonlyMap<string, Rule>, tested: ReadonlySet<string>): string[] {
  const { id, state, place } = rule
  const unknown = rule.id.startsWith('N') ? rule.standsOn.filter((other) => !byId.has(other)) : []
  const errors = unknown.map((other) => `${place}: ${id} stands on ${other}, which no document has.`)
  if (state !== 'proven' && state !== 'partly') return errors
  if (!id.startsWith('N')) {
    if (!tested.has(id)) errors.push(`${place}: ${id} is ${state}, but no test's title starts with ${id}.`)
    return errors
  }
  const below = rule.standsOn.filter((other) => byId.get(other)?.state !== 'proven')
  if (state === 'proven' && below.length > 0) {
    errors.push(`${place}: ${id} is proven, but it stands on ${below.join(', ')}, which is not.`)
  }
  return errors
}

function count(rules: readonly Rule[]): Record<RuleState, number> {
  const counts = { proven: 0, partly: 0, 'not built': 0, 'not provable': 0 }
  for (const { state } of rules) counts[state] += 1
  return counts
}

/** The line that people and CI read. */
export function countsLine(counts: Judgement['counts']): string {
  const { proven, partly } = counts
  return `${proven} proven, ${partly} partly, ${counts['not built']} not built, ${counts['not provable']} not provable`
}
