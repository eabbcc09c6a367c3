import { createHash } from 'node:crypto'
import type { NewJob, TaskSettings } from './job-queue.ts'

/**
 * Lanes for keyed jobs. A claim locks the row of every free lane and halves at a hundred of them (L6), while jobs that
 * share a lane wait for each other: so few, and more than a process has slots.
 */
const keyLanes = 16
const mostLanes = 100

export type Tasks = Readonly<Record<string, TaskSettings>>

/**
 * Every lane there can be: a list fixed by the tasks, never one per stack, repository or run (L6).
 *
 * @throws for tasks whose settings cannot work
 */
export function listLanes(tasks: Tasks): string[] {
  for (const [task, { speed, maxAttempts, ownLane }] of Object.entries(tasks)) {
    if (maxAttempts < 3) throw new Error(`The task "${task}" needs at least 3 attempts.`)
    // A claim of many takes several of one lane, which the first to end would open.
    if (ownLane && speed === 'short') throw new Error(`The short task "${task}" cannot have a lane.`)
  }
  const own = Object.keys(tasks).filter((task) => tasks[task]?.ownLane)
  const lanes = [...Array.from({ length: keyLanes }, (_, index) => keyLane(index)), ...own]
  if (lanes.length > mostLanes) throw new Error(`${lanes.length} lanes slow every claim: at most ${mostLanes} (L6).`)
  return lanes
}

/** The lane of a job: the task's own, or its key's, so that one key never runs beside itself (L5). */
export function laneOf({ task, key }: NewJob, { speed, ownLane }: TaskSettings): string | null {
  if (ownLane) return task
  if (key === undefined || speed === 'short') return null
  return keyLane(createHash('sha256').update(key).digest().readUInt16BE() % keyLanes)
}

/** @throws for a task that this release does not know: nobody would run it */
export function settingsOf(tasks: Tasks, task: string): TaskSettings {
  const settings = tasks[task]
  if (settings === undefined) throw new Error(`There is no task "${task}" in the table of tasks.`)
  return settings
}

function keyLane(index: number): string {
  return `key ${index}`
}
