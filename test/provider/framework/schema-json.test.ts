import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { providerSchemaJson } from '../../../provider/framework/schema-json.ts'
import { scratchProvider } from '../../support/fixtures/scratch-provider/provider.ts'
import { fixturePlugin, newTerraform, newWorkspace, runTerraform } from '../../support/terraform.ts'

test('prints what "terraform providers schema -json" prints', async () => {
  const terraform = await newTerraform(async (parent) => [await fixturePlugin(parent, 'scratch-provider', 'scratch')])
  const folder = await newWorkspace({
    'main.tf': 'terraform {\n  required_providers {\n    scratch = { source = "test/scratch" }\n  }\n}\n',
  })
  await runTerraform(terraform, folder, ['init'])

  const { stdout } = await runTerraform(terraform, folder, ['providers', 'schema', '-json'])

  expect(providerSchemaJson(scratchProvider)).toEqual(JSON.parse(stdout))
  await rm(folder, { recursive: true })
  await terraform.close()
})
