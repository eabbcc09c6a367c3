import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { providerSchemaJson } from '../provider/framework/schema-json.ts'
import { mooringProvider } from '../provider/provider.ts'
import { repositoryRoot } from './repository-root.ts'

// What `terraform providers schema -json` prints, without Terraform, plus the versions that CDKTF's generator reads.
const { version }: { version: string } = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8'))
const schema = { ...providerSchemaJson(mooringProvider), provider_versions: { [mooringProvider.address]: version } }
process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
