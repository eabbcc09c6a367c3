#!/usr/bin/env node
import { guardStdout } from './protocol/stdout-guard.ts'

const writeStdout = guardStdout()

// Everything else is imported only now, since whatever it writes while it loads must not reach standard output.
Promise.all([import('./protocol/serve-provider.ts'), import('./provider.ts')])
  .then(([{ serveProvider }, { mooringProvider }]) => serveProvider(mooringProvider, process, writeStdout))
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  })
