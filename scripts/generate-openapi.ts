import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openApiDocument } from '../server/http/api-docs/openapi-document.ts'

/** Writes docs/openapi.json: the OpenAPI 3.1 document that the server answers at /api/v1/openapi.json. */
export async function generateOpenApi(root: string): Promise<void> {
  await mkdir(join(root, 'docs'), { recursive: true })
  await writeFile(join(root, 'docs/openapi.json'), `${JSON.stringify(openApiDocument(), null, 2)}\n`)
}
