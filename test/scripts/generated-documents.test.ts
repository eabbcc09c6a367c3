import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import { expect, onTestFinished, test } from 'vitest'
import { operations } from '../../schemas/api.ts'
import { problems } from '../../schemas/problem.ts'
import { generateConfiguration } from '../../scripts/generate-configuration.ts'
import { generateOpenApi } from '../../scripts/generate-openapi.ts'
import { generateProblems } from '../../scripts/generate-problems.ts'
import { Environment, secretVariables } from '../../server/config.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-generated-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test('the OpenAPI document has every operation under its name, and its schemas compile', async () => {
  const root = folder()

  await generateOpenApi(root)

  const document = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))
  const ids = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  expect(ids.sort()).toEqual(Object.keys(operations).sort())
  expect(document.openapi).toBe('3.1.0')
  const ajv = new Ajv2020.default({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'document', components: document.components })
  for (const name of Object.keys(document.components.schemas)) {
    expect(() => ajv.compile({ $ref: `document#/components/schemas/${name}` }), name).not.toThrow()
  }
})

test('the OpenAPI document marks what the server never gives back: no answer holds a token', async () => {
  const root = folder()

  await generateOpenApi(root)

  const { components } = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))
  expect(Object.keys(components.schemas.Integration.properties)).not.toContain('accessToken')
  expect(components.schemas.NewIntegration.required).toEqual(expect.arrayContaining(['name', 'apiHost', 'accessToken']))
})

test('the table of problems has every code once, and the same facts give the same bytes', async () => {
  const [one, two] = [folder(), folder()]

  await generateProblems(one)
  await generateProblems(two)

  const text = readFileSync(join(one, 'docs/problems.md'), 'utf8')
  for (const code of Object.keys(problems)) expect(text.split(`| \`${code}\` |`)).toHaveLength(2)
  expect(readFileSync(join(two, 'docs/problems.md'), 'utf8')).toBe(text)
})

test('R209 S44 the table of configuration describes every variable, and the file of each secret', async () => {
  const root = folder()

  await generateConfiguration(root)

  const text = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
  for (const [name, schema] of Object.entries(Environment.shape)) {
    expect(text).toContain(`\`${name}\``)
    expect(schema.description, name).toBeTruthy()
  }
  for (const name of secretVariables) expect(text).toContain(`\`${name}_FILE\``)
})
