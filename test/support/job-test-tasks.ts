/** Tasks of the queue's own tests, in every process of them. */
export const jobTestTasks = {
  short: { speed: 'short', maxAttempts: 3 },
  slow: { speed: 'slow', maxAttempts: 3 },
  alone: { speed: 'slow', maxAttempts: 3, ownLane: true },
} as const
