import { expect, test } from 'vitest'
import { Labels } from '../../schemas/text.ts'

test.for([
  { name: 'R17 no label at all', labels: [], isGood: true },
  { name: 'R17 a blank inside a label', labels: ['our team'], isGood: true },
  { name: 'R17 a label of 64 characters', labels: ['a'.repeat(64)], isGood: true },
  { name: 'R17 a label of 65 characters', labels: ['a'.repeat(65)], isGood: false },
  { name: 'R17 an empty label', labels: [''], isGood: false },
  { name: 'R17 a blank at an end', labels: ['team '], isGood: false },
  { name: 'R17 the same label twice', labels: ['a', 'a'], isGood: false },
  { name: 'R17 fifty labels', labels: Array.from({ length: 50 }, (_, index) => `${index}`), isGood: true },
  { name: 'R17 fifty-one labels', labels: Array.from({ length: 51 }, (_, index) => `${index}`), isGood: false },
])('$name', ({ labels, isGood }) => {
  expect(Labels.safeParse(labels).success).toBe(isGood)
})
