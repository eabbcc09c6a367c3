import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { importGraph } from '../../scripts/generate-import-graph.ts'

test('draws what follows from nothing else', () => {
  const graph = importGraph([
    { files: 'schemas', imports: ['schemas'] },
    { files: 'server/core', imports: ['server/core', 'schemas'] },
    { files: 'server/http', imports: ['server', 'schemas'] },
    { files: 'test', imports: ['server', 'schemas'] },
  ])

  expect(graph.split('\n').filter((line) => line.includes('-->'))).toEqual([
    '  server_core --> schemas',
    '  server_http --> server_core',
  ])
})

test('the tour shows the graph of the list that is enforced', () => {
  const { layers } = createRequire(import.meta.url)(resolve('.dependency-cruiser.cjs'))

  expect(readFileSync('docs/architecture.md', 'utf8')).toContain(importGraph(layers))
})
