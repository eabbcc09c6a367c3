/**
 * The type of a value, written as Terraform's own JSON notation: `'string'`, `['set', 'string']`,
 * `['object', { name: 'string' }]`.
 */
export type Type =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', Type]
  | readonly ['object', ObjectFields]
  | readonly ['tuple', readonly Type[]]

export type ObjectFields = { readonly [name: string]: Type }

/** Whether two types are the same, whatever the order of an object's attributes. */
export function equalTypes(a: Type, b: Type): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  if (a[0] === 'object') {
    const [names, other] = [Object.keys(a[1]), b[0] === 'object' ? b[1] : undefined]
    if (!other || names.length !== Object.keys(other).length) return false
    return names.every((name) => {
      const [left, right] = [a[1][name], Object.hasOwn(other, name) ? other[name] : undefined]
      return left !== undefined && right !== undefined && equalTypes(left, right)
    })
  }
  if (a[0] === 'tuple') {
    if (b[0] !== 'tuple' || a[1].length !== b[1].length) return false
    const items = b[1]
    return a[1].every((item, index) => {
      const other = items[index]
      return other !== undefined && equalTypes(item, other)
    })
  }
  return b[0] !== 'object' && b[0] !== 'tuple' && a[0] === b[0] && equalTypes(a[1], b[1])
}
