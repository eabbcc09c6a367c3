import { type Diagnostics, type Path, pathText } from './diagnostics.ts'
import { type Attribute, type Block, type Nested, nestedOf } from './schema.ts'
import { isFullyKnown, isObject, isUnknown, type Value, type ValueObject } from './value.ts'

/** Runs what the schema says about a configuration: validators on known values, deprecations, write-only support. */
export function validateBlock(
  block: Block,
  config: ValueObject,
  diagnostics: Diagnostics,
  client: { readonly writeOnlyAllowed: boolean },
  path: Path,
): void {
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const value = config[name] ?? null
    if (value === null) continue
    const here = [...path, { attribute: name }]
    validateAttribute(attribute, value, diagnostics, client, here)
    const nested = nestedOf(attribute)
    if (nested) validateNested(nested, value, diagnostics, client, here)
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const here = [...path, { attribute: name }]
    const value = config[name] ?? null
    const isUsed = isObject(value) || (Array.isArray(value) && value.length > 0)
    if (nested.block.deprecated && isUsed) warnDeprecated(nested.block.deprecated, diagnostics, here)
    validateNested(nested, value, diagnostics, client, here)
  }
}

function validateNested(
  { nesting, block }: Nested,
  value: Value,
  diagnostics: Diagnostics,
  client: { readonly writeOnlyAllowed: boolean },
  path: Path,
): void {
  if (Array.isArray(value)) {
    value.forEach((item: Value, index) => {
      const here = nesting === 'set' ? path : [...path, { index }]
      if (isObject(item)) validateBlock(block, item, diagnostics, client, here)
    })
  } else if (isObject(value) && nesting === 'single') {
    validateBlock(block, value, diagnostics, client, path)
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (isObject(item)) validateBlock(block, item, diagnostics, client, [...path, { key }])
    }
  }
}

function validateAttribute(
  attribute: Attribute,
  value: Value,
  diagnostics: Diagnostics,
  client: { readonly writeOnlyAllowed: boolean },
  path: Path,
): void {
  const { marks } = attribute
  if (marks.deprecated) warnDeprecated(marks.deprecated, diagnostics, path)
  if (marks.writeOnly && !client.writeOnlyAllowed) {
    diagnostics.error(
      'Write-only attribute not supported',
      `"${pathText(path)}" is write-only, which needs Terraform 1.11 or newer. Leave it out or upgrade Terraform.`,
      path,
    )
  }
  if (!isFullyKnown(value) || isUnknown(value)) return
  if (attribute.integer && !Number.isSafeInteger(value)) {
    diagnostics.error('Invalid value', `"${pathText(path)}" must be a whole number between -2^53 and 2^53.`, path)
    return
  }
  for (const validator of attribute.validate) {
    for (const finding of validator(value as never)) {
      const here = [...path, ...(finding.path ?? [])]
      const summary = finding.severity === 'warning' ? 'Questionable value' : 'Invalid value'
      diagnostics.add({
        severity: finding.severity ?? 'error',
        summary,
        detail: `${pathText(here)}: ${finding.message}`,
        path: here,
      })
    }
  }
}

function warnDeprecated(message: string, diagnostics: Diagnostics, path: Path): void {
  diagnostics.warning('Deprecated', `"${pathText(path)}" is deprecated: ${message}`, path)
}
