import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { type OperationId, operations } from '../../../../schemas/api.ts'
import { apiExamples, exampleServer } from '../../../../schemas/api-examples.ts'
import type { Operation } from '../../../../schemas/operation.ts'
import { repositoryRoot } from '../../../../scripts/repository-root.ts'
import { type Told, tellStory } from '../../../support/api-story.ts'
import { databases } from '../../../support/databases.ts'
import { startTestEmulator } from '../../../support/emulator.ts'
import { needs } from '../../../support/left-out.ts'
import { startTestServer } from '../../../support/server.ts'

const table = Object.entries(operations) as [OperationId, Operation][]
const isRecording = process.env.MOORING_RECORD_EXAMPLES === '1'

test('the documentation has an example of every operation, with what it answers', () => {
  const answered = new Set(apiExamples.filter(({ answer }) => answer !== undefined).map(({ operation }) => operation))

  expect(table.map(([id]) => id).filter((id) => !apiExamples.some(({ operation }) => operation === id))).toEqual([])
  expect(
    table
      .filter(([, { response }]) => response)
      .map(([id]) => id)
      .filter((id) => !answered.has(id)),
  ).toEqual([])
})

needs('git', 'git-http-backend')('the story of the documentation', () => {
  for (const database of databases) {
    test(`R200 the examples of the documentation work as they stand, one after the other, on ${database.name}`, async () => {
      const bitbucket = await startTestEmulator()
      const repository = await bitbucket.createRepository('INFRA', 'network')
      const files = { 'live/network/main.tf': '# the network', 'modules/subnets/main.tf': '# the subnets' }
      await repository.push({ files })
      await (await bitbucket.createRepository('INFRA', 'dns')).push({ files })
      const accessToken = await bitbucket.createToken({ project: 'INFRA' }, ['PROJECT_READ', 'REPO_READ'])
      const server = await startTestServer(database, {
        publicUrl: exampleServer,
        allowedLoopback: [new URL(bitbucket.url).host],
      })

      const told = await tellStory({ server, bitbucket, repository, accessToken })

      if (isRecording) record(told)
      for (const { example, status, answer } of told) {
        const operation: Operation = operations[example.operation]
        const what = `${example.operation}: ${JSON.stringify(answer)}`
        expect(status, what).toBe(operation.status)
        if (operation.response) expect(z.safeParse(operation.response, answer).success, what).toBe(true)
        else expect(answer, what).toBeUndefined()
        if (!isRecording) expect(shapeOf(answer, example.answer), what).toEqual(shapeOf(example.answer, answer))
      }
    }, 60_000)
  }
})

/** What has which fields; null may stand for anything, and an empty list for any list. */
function shapeOf(value: unknown, other: unknown): unknown {
  if (value === null || other === null || value === undefined || other === undefined) return 'anything'
  if (Array.isArray(value) && Array.isArray(other)) {
    return value.length === 0 || other.length === 0 ? [] : [shapeOf(value[0], other[0])]
  }
  if (typeof value === 'object' && typeof other === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, shapeOf(part, (other as Record<string, unknown>)[name])]),
    )
  }
  return typeof value
}

function record(told: readonly Told[]): void {
  const answers = told.map(({ example, answer, inStory }) => ({
    operation: example.operation,
    ...(answer === undefined ? {} : { answer: inStory }),
  }))
  const text = `// Recorded from a real server: MOORING_RECORD_EXAMPLES=1 npx vitest run test/server/http/api-docs/examples.test.ts

/** The answers of the story in \`api-examples.ts\`, call by call. */
export const exampleAnswers: readonly { readonly operation: string; readonly answer?: unknown }[] = ${JSON.stringify(answers, null, 2)}
`
  writeFileSync(join(repositoryRoot(), 'schemas/api-example-answers.ts'), text)
}
