/** Where a rule stands: its document says it, and the tests must agree. */
export type RuleState = 'proven' | 'partly' | 'not built' | 'not provable'

/** One rule of docs/behaviour, with where it is written. */
export interface Rule {
  readonly id: string
  readonly state: RuleState
  /** A title where it is not built, else the sentences that a user reads. */
  readonly text: string
  /** What a partly built rule lacks, or why one cannot be proven here. */
  readonly remark: string | undefined
  /** For a promise (N…): the rules that it stands on. */
  readonly standsOn: readonly string[]
  readonly place: string
}

export interface RuleDocument {
  readonly rules: readonly Rule[]
  readonly errors: readonly string[]
}

const notBuilt = /^- \*\*([^*]+)\*\* not built: (.+)$/
const heading = /^### (\S+) · (.+)$/
const isId = /^[RBUWCSFLN]\d+[a-z]?$/
const anyId = /\b[RBUWCSFLN]\d+[a-z]?\b/g
const states: readonly string[] = ['proven', 'partly', 'not provable'] satisfies RuleState[]

/**
 * Reads one document of docs/behaviour. Two forms are known: a line `- **R1** not built: title`, and a section
 * `### R22 · proven` (`partly`, `not provable`) with sentences below it, to which `partly` adds a line `Missing: …`,
 * `not provable` a line `Why: …`, and a promise a line `Rules: R36, R110`.
 */
export function readRules(file: string, text: string): RuleDocument {
  const rules: Rule[] = []
  const errors: string[] = []
  const lines = text.split('\n')
  lines.forEach((line, index) => {
    const place = `${file}:${index + 1}`
    const [, listedId, title] = notBuilt.exec(line) ?? []
    const [, id, state] = heading.exec(line) ?? []
    if (listedId !== undefined && title !== undefined) {
      rules.push({ id: listedId, state: 'not built', text: title, remark: undefined, standsOn: idsIn(title), place })
    } else if (id !== undefined && state !== undefined) {
      if (isState(state)) rules.push(readSection(id, state, bodyAfter(lines, index), place))
      else errors.push(`${place}: "${state}" is no state of a section: it is one of ${states.join(', ')}.`)
    } else if (/^- \*\*|^### /.test(line)) {
      errors.push(`${place}: expected "- **R1** not built: title" or "### R1 · proven".`)
    }
  })
  return { rules, errors: [...errors, ...rules.flatMap(complaints)] }
}

/** The ids that stand at the beginning of a test's title: `R22 …`, `R22 S41 …` or `R22, S41 …`. */
export function leadingIds(title: string): string[] {
  const ids: string[] = []
  for (const word of title.split(' ')) {
    const id = word.replace(/[,:]$/, '')
    if (!isId.test(id)) break
    ids.push(id)
  }
  return ids
}

function isState(text: string): text is RuleState {
  return states.includes(text)
}

function bodyAfter(lines: readonly string[], start: number): string[] {
  const length = lines.slice(start + 1).findIndex((line) => /^#|^- \*\*/.test(line))
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length)
}

function readSection(id: string, state: RuleState, body: readonly string[], place: string): Rule {
  const marked = (mark: string) => body.find((line) => line.startsWith(`${mark}: `))?.slice(mark.length + 2)
  const text = body.filter((line) => !/^(Missing|Why|Rules): /.test(line)).join('\n')
  return {
    id,
    state,
    text: text.trim(),
    remark: marked(state === 'not provable' ? 'Why' : 'Missing'),
    standsOn: idsIn(marked('Rules') ?? ''),
    place,
  }
}

function idsIn(text: string): string[] {
  return text.match(anyId) ?? []
}

function complaints(rule: Rule): string[] {
  const { id, state, text, remark, standsOn, place } = rule
  const wrong: [boolean, string][] = [
    [!isId.test(id), `"${id}" is no rule id.`],
    [state !== 'not built' && !/[.!?:;)`|]$/.test(text), `${id} needs complete sentences that a user understands.`],
    [state === 'partly' && remark === undefined, `${id} is partly built: it needs a line "Missing: …".`],
    [state === 'proven' && remark !== undefined, `${id} is proven, so nothing can be missing: remove the line.`],
    [state === 'not provable' && remark === undefined, `${id} cannot be proven here: it needs a line "Why: …".`],
    [id.startsWith('N') && standsOn.length === 0, `${id} is a promise: it must name the rules that it stands on.`],
  ]
  return wrong.flatMap(([isWrong, message]) => (isWrong ? [`${place}: ${message}`] : []))
}
