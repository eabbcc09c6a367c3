import { Router } from 'express'

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Run – Mooring</title>
<link rel="stylesheet" href="page.css">
</head>
<body>
<main>
<h1>Mooring</h1>
<p>This is the address of a run. To read it, sign in with an API key:</p>
<ol>
<li>exchange the key for a token with <code>POST /api/v1/token</code>,</li>
<li>ask <code>GET /api/v1/runs/&lt;id&gt;</code> with that token; the id is the end of this page’s address.</li>
</ol>
</main>
</body>
</html>
`

const stylesheet = `:root { color-scheme: light dark; }
body { margin: 0; background: light-dark(#f6f7f9, #0c0f13); color: light-dark(#161b21, #e7eaee);
  font: 1rem/1.5rem -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif; }
main { max-width: 36rem; margin: 12vh auto 2rem; padding: 1.5rem 2rem 1rem; border-radius: 0.5rem;
  background: light-dark(#ffffff, #13171c); border: 1px solid light-dark(#e3e6ea, #262c34); }
h1 { margin: 0 0 1rem; font-size: 1.25rem; line-height: 1.75rem; }
ol { padding-left: 1.25rem; }
li { margin: 0.5rem 0; }
code { font: 0.875rem/1.25rem ui-monospace, Menlo, Consolas, "Liberation Mono", monospace; padding: 0.125rem 0.25rem;
  border-radius: 0.25rem; background: light-dark(#f1f3f5, #0f1216); }
@media (max-width: 40rem) { main { margin: 0; border: 0; border-radius: 0; min-height: 100vh; box-sizing: border-box; } }
`

/**
 * What a build status links to (R90). The page is the same for every id, whether there is such a run or not, since
 * whoever opens it has not signed in (S21).
 */
export function runPage(): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router.get('/runs/page.css', (_request, response) => {
    response.type('css').send(stylesheet)
  })
  router.get('/runs/:id', (_request, response) => {
    response.type('html').send(page)
  })
  return router
}
