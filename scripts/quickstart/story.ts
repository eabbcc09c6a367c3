import { styleText } from 'node:util'

export interface Story {
  /** Opens a chapter. */
  chapter(title: string): void
  /** One sentence of what happened. */
  say(text: string): void
  /** Lines that another program printed, indented. */
  quote(text: string): void
}

/** Tells what happens as short numbered chapters; colours only where the terminal has them. */
export function tellStory(write: (line: string) => void): Story {
  let chapters = 0
  return {
    chapter(title) {
      chapters += 1
      write('')
      write(styleText('bold', `${chapters}. ${title}`))
    },
    say(text) {
      write(`   ${text}`)
    },
    quote(text) {
      for (const line of text.trimEnd().split('\n')) write(`   ${styleText('dim', `│ ${line}`)}`)
    },
  }
}
