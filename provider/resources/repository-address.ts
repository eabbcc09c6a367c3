import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { orUndefined } from '../../clients/bitbucket/repositories.ts'

/** Gives undefined where nothing is at the address any more: Bitbucket answers 404, or a redirect after a move. */
export async function unlessElsewhere<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await orUndefined(answer)
  } catch (error) {
    if (error instanceof BitbucketError && error.code === 'moved') return undefined
    throw error
  }
}
