import fc from 'fast-check'
import { parseDecimal } from '../../provider/framework/numeric.ts'
import type { Type } from '../../provider/framework/type.ts'
import { dynamic, refinedUnknown, unknown, type Value } from '../../provider/framework/value.ts'

/** Any type, with a few levels of nesting. */
export const anyType: fc.Arbitrary<Type> = fc.letrec<{ type: Type }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Type>('string', 'number', 'bool'),
    fc.constant<Type>('dynamic'),
    fc.tuple(fc.constantFrom('list', 'set', 'map'), tie('type')).map(([kind, inner]): Type => [kind, inner]),
    fc
      .dictionary(fc.string({ minLength: 1, maxLength: 5 }), tie('type'), { maxKeys: 4 })
      .map((fields): Type => ['object', fields]),
    fc.array(tie('type'), { maxLength: 3 }).map((items): Type => ['tuple', items]),
  ),
})).type

const numeric = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).map((big) => parseDecimal(String(big))),
  fc.tuple(fc.bigInt(), fc.bigInt({ min: 0n })).map(([whole, fraction]) => parseDecimal(`${whole}.${fraction}`)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => parseDecimal(String(double))),
)

const anyUnknown = fc.oneof(
  fc.constant(unknown),
  fc
    .record(
      {
        notNull: fc.constant(true as const),
        prefix: fc.string(),
        lower: fc.record({ value: numeric, inclusive: fc.boolean() }),
        upper: fc.record({ value: numeric, inclusive: fc.boolean() }),
        minLength: fc.nat(),
        maxLength: fc.nat(),
      },
      { requiredKeys: [] },
    )
    .map(refinedUnknown),
)

export interface ValueKinds {
  /** MessagePack carries unknown values, state JSON does not. */
  readonly unknowns: boolean
}

/** Any value of a type, null and, where asked for, unknown ones among them. */
export function anyValue(type: Type, kinds: ValueKinds): fc.Arbitrary<Value> {
  const known = fc.oneof(
    { weight: 6, arbitrary: knownOf(type, kinds) },
    { weight: 1, arbitrary: fc.constant<Value>(null) },
  )
  return kinds.unknowns ? fc.oneof({ weight: 8, arbitrary: known }, { weight: 1, arbitrary: anyUnknown }) : known
}

function knownOf(type: Type, kinds: ValueKinds): fc.Arbitrary<Value> {
  if (type === 'string') return fc.string({ unit: 'grapheme' })
  if (type === 'bool') return fc.boolean()
  if (type === 'number') return numeric
  if (type === 'dynamic') {
    return anyType
      .filter((inner) => inner !== 'dynamic')
      .chain((inner) => anyValue(inner, kinds).map((value) => dynamic(inner, value)))
  }
  if (type[0] === 'map') return fc.dictionary(fc.string(), anyValue(type[1], kinds), { maxKeys: 4 })
  if (type[0] === 'object') {
    return fc.record(Object.fromEntries(Object.entries(type[1]).map(([name, field]) => [name, anyValue(field, kinds)])))
  }
  if (type[0] === 'tuple') return fc.tuple(...type[1].map((item) => anyValue(item, kinds)))
  return fc.array(anyValue(type[1], kinds), { maxLength: 4 })
}
