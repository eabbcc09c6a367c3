import { Slug } from '../../schemas/text.ts'
import { DiagnosticError } from '../framework/diagnostics.ts'

/**
 * The id that an import names, where it can be one.
 *
 * @throws DiagnosticError for a text that no object can have as its id
 */
export function importedSlug(id: string): string {
  if (Slug.safeParse(id).success) return id
  throw new DiagnosticError(
    'Not an import id',
    `Give the id, which is a slug (a-z, 0-9 and inner "-"), not ${JSON.stringify(id)}.`,
  )
}
