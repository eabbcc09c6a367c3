import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { declare, push, repairWebhooks, replaceIntegration } from './quickstart/chapters.ts'
import { findOnPath } from './quickstart/find-on-path.ts'
import { type Stage, setStage } from './quickstart/stage.ts'
import { type Story, tellStory } from './quickstart/story.ts'

const usage = `npm run quickstart [-- --keep]

The main job of Mooring as one story, on this machine alone: a server on a fresh SQLite file, a Bitbucket emulator with
real git repositories, the real Terraform and real pushes.

  --keep   leave everything running, and print the addresses and commands to go on with`

const { values } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
})

if (values.help) process.stdout.write(`${usage}\n`)
else await tell(values.keep)

async function tell(keep: boolean): Promise<void> {
  const terraform = findOnPath('terraform') ?? findOnPath('tofu')
  if (terraform === undefined || findOnPath('git') === undefined) {
    process.stderr.write(
      'The quickstart needs git (apt-get install git) and Terraform 1.11 or newer, to apply its example for real:\n' +
        'https://developer.hashicorp.com/terraform/install, or OpenTofu from https://opentofu.org/docs/intro/install\n',
    )
    process.exitCode = 1
    return
  }
  const story = tellStory((line) => process.stdout.write(`${line}\n`))
  const stage = await setStage(terraform)
  const interrupted = onInterrupt()
  try {
    story.chapter('A Bitbucket and a Mooring server are up')
    story.say(`Bitbucket (emulator): ${stage.bitbucket.url}`)
    story.say(`Mooring server:       ${stage.serverUrl}`)
    for (const chapter of [declare, push, repairWebhooks, replaceIntegration]) {
      await Promise.race([chapter(stage, story), interrupted])
    }
    story.chapter('That is all there is so far')
    story.say('There is no worker yet: runs wait, READY or QUEUED, and their build statuses stay INPROGRESS.')
    if (keep) {
      await printCommands(stage, story)
      await interrupted.catch(() => undefined)
    }
  } catch (error) {
    process.stderr.write(`\nThe story broke off: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  } finally {
    await stage.clear()
  }
}

/** Commands to copy; the key they need lies in a file that only this user can read. */
async function printCommands(stage: Stage, story: Story): Promise<void> {
  const keyFile = join(stage.folder, 'api-key.json')
  await writeFile(keyFile, JSON.stringify(stage.administrator), { mode: 0o600 })
  story.chapter('It is yours until Ctrl-C')
  story.say(`Logs, the Terraform folder and the clones are in ${stage.folder}`)
  story.quote(
    [
      `TOKEN=$(curl -s ${stage.serverUrl}/api/v1/token -H 'content-type: application/json' -d @${keyFile} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`,
      ...['stacks', 'runs', 'integrations/company-bitbucket/deliveries', 'registrations'].map(
        (path) => `curl -s -H "authorization: Bearer $TOKEN" ${stage.serverUrl}/api/v1/${path}`,
      ),
    ].join('\n'),
  )
}

/** Rejects at Ctrl-C, so that everything is stopped and removed. */
function onInterrupt(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error('interrupted')))
  })
  interrupted.catch(() => undefined)
  return interrupted
}
