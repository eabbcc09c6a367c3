import { expect } from 'vitest'
import type { Workspace } from './stage.ts'

/** Arguments of a block, as HCL; null leaves one out. */
export type Arguments = Readonly<Record<string, string | null>>

/** One attribute: what the configuration says at each step, and what is in the state then. */
export interface Row {
  readonly attribute: string
  readonly steps: readonly { readonly configured: string | null; readonly held: unknown }[]
  /** What the resource has besides, on top of what all have. */
  readonly extra: Arguments
}

/** Each step is `HCL → JSON`: what is configured (nothing: left out) and what the state holds. */
export function row(attribute: string, steps: readonly string[], extra: Arguments = {}): Row {
  return {
    attribute,
    extra,
    steps: steps.map((step) => {
      const [configured = '', held = 'null'] = step.split('→').map((part) => part.trim())
      return { configured: configured === '' ? null : configured, held: JSON.parse(held) }
    }),
  }
}

export function block(type: string, name: string, values: Arguments): string {
  const lines = Object.entries(values).flatMap(([key, value]) => (value === null ? [] : `  ${key} = ${value}\n`))
  return `resource "${type}" "${name}" {\n${lines.join('')}}\n`
}

/** The name with blanks, and the slug that is made of it. */
export function titleOf(attribute: string): string {
  return attribute.replaceAll('_', ' ')
}

export function slugOf(attribute: string): string {
  return attribute.replaceAll('_', '-')
}

/** Applies step after step, each row as a resource of its own; after each the next plan must be empty. */
export async function walk(
  workspace: Workspace,
  type: string,
  rows: readonly Row[],
  base: (attribute: string) => Arguments,
  surroundings = '',
): Promise<void> {
  const last = Math.max(...rows.map(({ steps }) => steps.length))
  for (let step = 0; step < last; step++) {
    const now = rows.map(({ attribute, extra, steps }) => {
      const { configured, held } = steps[Math.min(step, steps.length - 1)] ?? { configured: null, held: null }
      return {
        attribute,
        held,
        text: block(type, attribute, { ...base(attribute), ...extra, [attribute]: configured }),
      }
    })

    await workspace.apply(surroundings + now.map(({ text }) => text).join(''))
    await workspace.expectNoChanges()

    for (const { attribute, held } of now) {
      const attributes = await workspace.attributes(`${type}.${attribute}`)
      expect({ step, [attribute]: attributes?.[attribute] }).toEqual({ step, [attribute]: held })
    }
  }
}
