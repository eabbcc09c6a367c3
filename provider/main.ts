#!/usr/bin/env node
import { guardStdout } from './protocol/stdout-guard.ts'

const writeStdout = guardStdout()

// Everything else is imported only now, since whatever it writes while it loads must not reach standard output.
import('./protocol/serve-provider.ts')
  .then(({ serveProvider }) => serveProvider(loadProvider, process, writeStdout))
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  })

async function loadProvider() {
  const { mooringProvider } = await import('./provider.ts')
  return mooringProvider
}
