import { groupBy } from '../core/group-by.ts'
import { type StatusDeps, sendBuildStatuses } from '../services/send-build-statuses.ts'
import { claimBuildStatuses } from '../store/build-statuses.ts'
import { type Loop, startLoop } from './loop.ts'

const batchSize = 16
const integrationsAtOnce = 16
const everyMs = 1_000
/** Longer than a batch can take, each of its calls at the deadline. */
const leaseMs = 180_000

/** Drains the outbox of build statuses, on both databases the same way; one batch at a time per integration. */
export function startStatusLoop(deps: StatusDeps, mayWork: () => boolean = () => true): Loop {
  const { db, clock, log } = deps
  const busy = new Map<string, Promise<void>>()

  async function turn(): Promise<boolean> {
    if (busy.size >= integrationsAtOnce) return false
    const now = clock.now()
    const except = [...busy.keys()]
    const claimed = await claimBuildStatuses(db, { now, leaseUntil: now + leaseMs, limit: batchSize, except })
    for (const [integrationId, statuses] of groupBy(claimed, (status) => status.integration_id)) {
      const done = sendBuildStatuses(deps, integrationId, statuses)
        .catch((error) => log.error({ err: error }, 'build statuses wait for the end of their lease'))
        .finally(() => {
          busy.delete(integrationId)
          loop.kick()
        })
      busy.set(integrationId, done)
    }
    return claimed.length === batchSize
  }

  const loop = startLoop({ name: 'build statuses', everyMs, log, turn, mayWork })
  return {
    kick: loop.kick,
    stop: async () => {
      await loop.stop()
      await Promise.all(busy.values())
    },
  }
}
