import { Router } from 'express'

export interface Health {
  /** False once the server is to stop, so that no new work is sent to it (R208). */
  isAccepting(): boolean
  /** Resolves when the database answers. */
  askDatabase(): Promise<void>
  /** What keeps the server from its work besides, as a sentence; undefined where nothing does. */
  trouble?(): string | undefined
  /** What whoever watches it should know of a server that works (S76). */
  note?(): string | undefined
}

const patienceMs = 3_000

/** `/healthz`: the process is alive. `/readyz`: it can do its work; 503 with the reason otherwise (R207). */
export function healthRoutes(health: Health): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' })
  })
  router.get('/readyz', async (_request, response) => {
    const reason = health.isAccepting() ? (health.trouble?.() ?? (await databaseTrouble(health))) : 'stopping'
    const note = health.note?.()
    if (reason === undefined) response.json({ status: 'ready', ...(note === undefined ? {} : { note }) })
    else response.status(503).json({ status: 'not ready', reason })
  })
  return router
}

async function databaseTrouble(health: Health): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('the database does not answer'), patienceMs)
  })
  const asked = health.askDatabase().then(
    () => undefined,
    () => 'the database cannot be reached',
  )
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}
