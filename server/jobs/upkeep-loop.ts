import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { deleteOldDeliveryKeys } from '../store/delivery-queue.ts'
import { ensureDeliveryPartitions } from '../store/dialect/delivery-partitions.ts'
import type { Database } from '../store/tables.ts'
import { type Loop, startLoop } from './loop.ts'

const everyMs = 3_600_000
/** How long a request id is remembered (L12); an older repeat is found by its body. */
const keepKeysMs = 48 * 3_600_000

export interface UpkeepDeps {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
}

/** Makes the partitions of the coming days (L11), and forgets old request ids, a thousand at a time. */
export function startUpkeepLoop({ db, clock, log }: UpkeepDeps): Loop {
  return startLoop({
    name: 'upkeep',
    everyMs,
    log,
    turn: async () => {
      await ensureDeliveryPartitions(db, clock.now())
      return (await deleteOldDeliveryKeys(db, clock.now() - keepKeysMs)) > 0
    },
  })
}
