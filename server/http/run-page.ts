import { Router } from 'express'

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Run – Mooring</title>
</head>
<body>
<main>
<h1>Mooring</h1>
<p>This is the address of a run. To read it, sign in: exchange an API key for a token with
<code>POST /api/v1/token</code>, and ask <code>GET /api/v1/runs/&lt;id&gt;</code> with it.</p>
</main>
</body>
</html>
`

/**
 * What a build status links to (R90). The page is the same for every id, whether there is such a run or not, since
 * whoever opens it has not signed in (S21).
 */
export function runPage(): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router.get('/runs/:id', (_request, response) => {
    response.type('html').send(page)
  })
  return router
}
