import * as z from 'zod'

/** The most patterns in one list. */
export const mostGlobs = 100

/** A pattern over `PROJECT/slug`: `*` and `?` within a part, `**` for any parts; nothing else is special (S64). */
export const RepositoryGlob = z
  .string()
  .min(1)
  .max(256)
  .regex(
    /^[^\s\\[\]{}!#%]+$/,
    'expected PROJECT/slug, where * stands for any characters, ? for one, and ** for any parts',
  )
  .refine(canMatchRepository, 'expected two parts, PROJECT/slug, of which ** may stand for any')

/**
 * Whether the whole path fits the pattern: `*` stands for any characters of one segment, `?` for one, and a segment
 * `**` for any number of segments, none among them. The cost grows with pattern times path and no faster (S64): within
 * a segment two pointers, across segments one row of answers. `onStep` is called for each comparison.
 */
export function matchesGlob(pattern: string, path: string, onStep?: () => void): boolean {
  return matchesSegments(pattern.split('/'), path.split('/'), onStep)
}

/** Whether the repository fits the pattern. A project's key has no case in Bitbucket, so it has none here either. */
export function matchesRepository(
  pattern: string,
  repository: { readonly projectKey: string; readonly repositorySlug: string },
  onStep?: () => void,
): boolean {
  const path = [repository.projectKey.toUpperCase(), repository.repositorySlug]
  return matchesSegments(pattern.split('/'), path, onStep, (segment) => segment.toUpperCase())
}

/** Whether a repository of the project could fit the pattern. */
export function matchesProject(pattern: string, projectKey: string): boolean {
  const [first = ''] = pattern.split('/')
  // `**` in front may stand for no part: then the rest begins with the project.
  return first === '**' || matchesSegment(first.toUpperCase(), projectKey.toUpperCase(), undefined)
}

/** A pattern that no repository fits is a mistake, and would be found too late. */
function canMatchRepository(pattern: string): boolean {
  const segments = pattern.split('/')
  const named = segments.filter((segment) => segment !== '**').length
  return !segments.includes('') && (segments.length > named ? named <= 2 : named === 2)
}

/** `normalFirst` gives a pattern's segment the form that the path's first segment has already. */
function matchesSegments(
  pattern: readonly string[],
  path: readonly string[],
  onStep: (() => void) | undefined,
  normalFirst = (segment: string) => segment,
): boolean {
  // row[n]: whether the pattern so far fits the first n segments.
  let row = [true, ...path.map(() => false)]
  for (const segment of pattern) {
    const next: boolean[] = [segment === '**' && row[0] === true]
    for (const [index, text] of path.entries()) {
      onStep?.()
      if (segment === '**') next.push(row[index + 1] === true || next[index] === true)
      else if (row[index] !== true) next.push(false)
      else next.push(matchesSegment(index === 0 ? normalFirst(segment) : segment, text, onStep))
    }
    row = next
  }
  return row.at(-1) === true
}

/** When what follows a `*` fails, the star takes one character more; an earlier star need never be tried again. */
function matchesSegment(pattern: string, text: string, onStep: (() => void) | undefined): boolean {
  let at = 0
  let star = -1
  let starText = 0
  for (let position = 0; position < text.length; ) {
    onStep?.()
    const expected = pattern[at]
    if (expected === '*') {
      star = at++
      starText = position
    } else if (expected !== undefined && (expected === '?' || expected === text[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++starText
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
