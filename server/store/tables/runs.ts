import type { EpochMs, Uuid } from './column-types.ts'

export interface RunTable {
  id: Uuid
  integration_id: Uuid
  stack_id: Uuid
  type: 'TRACKED' | 'PROPOSED' | 'MODULE'
  state: string
  state_reason: string | null
  commit_sha: string
  branch: string
  /** Unique per stack; null for what a person starts (R62). */
  run_key: string | null
  delivery_id: Uuid | null
  created_at: EpochMs
  updated_at: EpochMs
}

/** The outbox of build statuses: one row per commit and key, the newest state wins (L23). */
export interface BuildStatusTable {
  id: Uuid
  integration_id: Uuid
  project_key: string
  repository_slug: string
  repository_id: number
  commit_sha: string
  status_key: string
  state: 'INPROGRESS' | 'SUCCESSFUL' | 'FAILED' | 'CANCELLED'
  url: string
  name: string
  description: string
  ref: string
  /** Counts the changes; `sent_revision` is the last that Bitbucket has. */
  revision: number
  sent_revision: number
  attempts: number
  not_before: EpochMs
  error: string | null
  created_at: EpochMs
  updated_at: EpochMs
}
