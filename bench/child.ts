import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { repositoryRoot } from '../scripts/repository-root.ts'

/** A process of a bench that answers one question at a time; it ends with `stop`, or with the process that started it. */
export interface Child<Question, Answer> {
  ask(question: Question): Promise<Answer>
  stop(): Promise<void>
}

/** Starts `dist/bench/<name>.js`. */
export function startChild<Question extends object, Answer>(
  name: string,
  args: readonly string[],
): Child<Question, Answer> {
  const child = fork(join(repositoryRoot(), 'dist/bench', `${name}.js`), args, { stdio: ['ignore', 2, 2, 'ipc'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    ask: (question) => ask<Answer>(child, name, question),
    stop: async () => {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

function ask<Answer>(child: ChildProcess, name: string, question: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null) => reject(new Error(`${name} ended with ${code}; it says why above.`))
    child.once('exit', fail)
    child.once('message', (answer) => {
      child.off('exit', fail)
      resolve(answer as Answer)
    })
    child.send(question)
  })
}

/** The other side of `ask`, in the child: an error ends the process, and the end of the parent ends it, too. */
export function answerQuestions<Question, Answer>(
  answer: (question: Question) => Promise<Answer> | Answer,
  close: () => Promise<void> | void,
): void {
  process.on('message', (question) => {
    void Promise.resolve(answer(question as Question)).then((message) => process.send?.(message))
  })
  process.once('disconnect', () => {
    void Promise.resolve(close()).then(() => process.exit(0))
  })
}
