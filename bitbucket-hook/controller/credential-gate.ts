/** What an answer of Bitbucket says about the access token (B22). */
export type CredentialVerdict =
  | 'accepted'
  | 'refused'
  /** A 401 that Bitbucket did not explain: of a proxy, of an SSO page, of a user without a licence. */
  | 'unclear'
  /** Nothing: there was no answer, or it was not Bitbucket's. */
  | 'unknown'

/** As many unclear answers in a row are the credential's fault, fewer are the repository's. */
const unclearAnswersThatRefuse = 3

/**
 * Stops all work for a credential that Bitbucket does not accept, so that a wrong token costs one request and not one
 * per repository (B22). Until something is known of it, one repository is tried at a time.
 */
export interface CredentialGate {
  /** Whether the credential has been refused since the last `reset`. */
  readonly isRefused: boolean
  /** Gives the credential another chance: at the start of a sweep. */
  reset(): void
  /** Runs the work, or gives `undefined` at once where the credential is refused. `verdictOf` judges how it ended. */
  pass<Result>(
    work: () => Promise<Result>,
    verdictOf: (result: Result) => CredentialVerdict,
  ): Promise<Result | undefined>
  /** Closes the gate on what was learned elsewhere. */
  refuse(): void
}

/** `onChange` is told once when the credential is refused, and once when it is accepted again. */
export function createCredentialGate(onChange: (isAccepted: boolean) => void): CredentialGate {
  let state: 'untried' | 'open' | 'refused' = 'untried'
  let unclear = 0
  let isAlerted = false
  let trial: Promise<unknown> | undefined

  function learn(verdict: CredentialVerdict): void {
    if (verdict === 'unclear') unclear += 1
    else if (verdict === 'accepted') unclear = 0
    if (verdict === 'refused' || unclear >= unclearAnswersThatRefuse) {
      state = 'refused'
      if (!isAlerted) onChange(false)
      isAlerted = true
      return
    }
    if (state === 'untried' && verdict !== 'unclear') state = 'open'
    if (state === 'open' && verdict === 'accepted' && isAlerted) {
      isAlerted = false
      onChange(true)
    }
  }

  return {
    get isRefused() {
      return state === 'refused'
    },
    reset: () => {
      state = 'untried'
      unclear = 0
    },
    refuse: () => learn('refused'),
    pass: async (work, verdictOf) => {
      while (state === 'untried' && trial) await trial
      if (state === 'refused') return undefined
      const attempt = work().then((result) => {
        learn(verdictOf(result))
        return result
      })
      if (state !== 'untried') return attempt
      const ended = attempt.then(
        () => undefined,
        () => undefined,
      )
      trial = ended.then(() => {
        trial = undefined
      })
      return attempt
    },
  }
}
