import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { StoryBitbucket } from './bitbucket.ts'
import { runProgram } from './processes.ts'

/** A clone in which somebody works, with real git. */
export interface WorkingCopy {
  /** Writes the files, commits and pushes; gives the commit's id. */
  push(branch: string, message: string, files: Readonly<Record<string, string>>): Promise<string>
}

/** Clones an empty repository of the story's Bitbucket over HTTP. */
export async function cloneRepository(bitbucket: StoryBitbucket, slug: string, folder: string): Promise<WorkingCopy> {
  const cwd = join(folder, slug)
  await mkdir(cwd, { recursive: true })
  const env = {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    // In the environment, so that the token is in no command line and no file of the clone.
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Bearer ${bitbucket.adminToken}`,
    GIT_AUTHOR_NAME: 'Quickstart',
    GIT_AUTHOR_EMAIL: 'quickstart@example.com',
    GIT_COMMITTER_NAME: 'Quickstart',
    GIT_COMMITTER_EMAIL: 'quickstart@example.com',
  }
  const git = (...args: string[]) => runProgram('git', args, { cwd, env })
  await git('init', '--quiet', '--initial-branch', 'main')
  await git('remote', 'add', 'origin', `${bitbucket.url}/scm/${bitbucket.projectKey.toLowerCase()}/${slug}.git`)
  return {
    async push(branch, message, files) {
      await git('checkout', '--quiet', '-B', branch)
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(cwd, path)), { recursive: true })
        await writeFile(join(cwd, path), content)
      }
      await git('add', '--all')
      await git('commit', '--quiet', '--message', message)
      await git('push', '--quiet', 'origin', branch)
      return (await git('rev-parse', 'HEAD')).output.trim()
    },
  }
}
