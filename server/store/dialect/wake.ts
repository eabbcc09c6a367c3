import { EventEmitter } from 'node:events'

/** What may have become due. */
export type WakeReason = 'deliveryStored' | 'runCreated' | 'buildStatusChanged'

/**
 * Tells the loops of this process that there is work, after it was committed. A hint, no promise: work of other
 * processes is found because every loop also looks each second (L7).
 */
export interface Wake {
  wake(reason: WakeReason): void
  /** Calls `listener` until the returned function is called. */
  onWake(reason: WakeReason, listener: () => void): () => void
}

export function createWake(): Wake {
  const emitter = new EventEmitter()
  return {
    wake: (reason) => {
      emitter.emit(reason)
    },
    onWake: (reason, listener) => {
      emitter.on(reason, listener)
      return () => emitter.off(reason, listener)
    },
  }
}
