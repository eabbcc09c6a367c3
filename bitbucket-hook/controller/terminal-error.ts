/** Thrown by a reconciler where trying again would change nothing; any other throw means: again, after a back-off. */
export class TerminalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TerminalError'
  }
}
