import { Gauge, type Registry } from 'prom-client'
import type { JobQueue } from '../store/job-queue.ts'

/** Shows the queue's next limits before they are reached: what waits, what has died, what is not cleaned up (L8). */
export function watchQueue(registry: Registry, queue: Pick<JobQueue, 'figures'>): void {
  const registers = [registry]
  new Gauge({
    name: 'mooring_jobs_due',
    help: 'Jobs whose time has come and that nobody runs yet.',
    registers,
    async collect() {
      this.set((await queue.figures()).due)
    },
  })
  new Gauge({
    name: 'mooring_jobs_dead',
    help: 'Jobs that failed as often as they may.',
    registers,
    async collect() {
      this.set((await queue.figures()).dead)
    },
  })
  new Gauge({
    name: 'mooring_queue_dead_rows',
    help: 'Rows that PostgreSQL has not cleaned up yet, by table: claims slow down with them.',
    labelNames: ['table'],
    registers,
    async collect() {
      for (const [table, rows] of (await queue.figures()).deadRows) this.set({ table }, rows)
    },
  })
}
