import { Slug, type SpaceId } from '../../schemas/text.ts'
import { DiagnosticError } from '../framework/diagnostics.ts'

/**
 * The id that an import names, where it can be one: a slug, or what `form` allows.
 *
 * @throws DiagnosticError for a text that no object can have as its id
 */
export function importedSlug(id: string, form: typeof Slug | typeof SpaceId = Slug): string {
  const parsed = form.safeParse(id)
  if (parsed.success) return id
  const [issue] = parsed.error.issues
  throw new DiagnosticError('Not an import id', `Give the id, not ${JSON.stringify(id)}: ${issue?.message}.`)
}
