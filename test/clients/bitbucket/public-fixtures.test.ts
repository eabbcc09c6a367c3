import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Branch } from '../../../clients/bitbucket/commits.ts'
import { errorOfResponse } from '../../../clients/bitbucket/errors.ts'
import { Repository } from '../../../clients/bitbucket/repositories.ts'
import { ObservedWebhook } from '../../../clients/bitbucket/webhooks.ts'
import { needs, sharedPath } from '../../support/left-out.ts'

function read(name: string): Buffer {
  const folder = sharedPath('reference', 'rest')
  const file = readdirSync(folder).find((candidate) => candidate.endsWith(`__${name}.json`))
  if (!file) throw new Error(`no public fixture is called ${name}`)
  return readFileSync(join(folder, file))
}

needs('shared')('answers from the test suites of others are read', () => {
  const page = (item: z.ZodType) => z.looseObject({ values: z.array(item).min(1) })

  test.for([
    { name: 'webhook~webhook_created_response', schema: ObservedWebhook },
    { name: 'webhook~configured_web_hooks_response', schema: page(ObservedWebhook) },
    { name: 'webhook~web_hooks_in_system', schema: page(ObservedWebhook) },
    { name: 'repository-response', schema: Repository },
    { name: 'repo-filter-response', schema: page(Repository) },
    { name: 'branches', schema: page(Branch) },
  ])('S39 $name', ({ name, schema }) => {
    expect(() => schema.parse(JSON.parse(read(name).toString()))).not.toThrow()
  })

  test.for([
    { name: 'repository-not-exist', status: 404, exceptionName: /NoSuchRepositoryException$/ },
    { name: 'missing-commit', status: 404, exceptionName: /NoSuchCommitException$/ },
  ])('B22 $name', ({ name, status, exceptionName }) => {
    const error = errorOfResponse({ status, headers: {}, body: read(name) }, 0)

    expect(error).toMatchObject({ code: 'not_found', exceptionName: expect.stringMatching(exceptionName) })
  })

  test('B24 fields of an invalid request', () => {
    expect(errorOfResponse({ status: 400, headers: {}, body: read('errors') }, 0).fields).toEqual(['name', 'email'])
  })
})
