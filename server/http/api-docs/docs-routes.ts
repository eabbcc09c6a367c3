import { Router } from 'express'
import { docsPage } from './docs-page.ts'
import { docsStyle } from './docs-style.ts'
import { openApiDocument } from './openapi-document.ts'

/** Answers the API's description: as OpenAPI 3.1 at `/api/v1/openapi.json`, and as a page at `/api/docs`. */
export function docsRoutes(): Router {
  const router = Router({ caseSensitive: true, strict: true })
  let made: { readonly json: string; readonly page: string } | undefined
  const description = () => {
    if (made) return made
    const document = openApiDocument()
    made = { json: `${JSON.stringify(document, null, 2)}\n`, page: docsPage(document) }
    return made
  }
  router.get('/api/v1/openapi.json', (_request, response) => {
    response.type('json').send(description().json)
  })
  router.get('/api/docs', (_request, response) => {
    response.type('html').send(description().page)
  })
  router.get('/api/docs/style.css', (_request, response) => {
    response.type('css').send(docsStyle)
  })
  return router
}
