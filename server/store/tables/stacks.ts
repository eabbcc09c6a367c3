import type { Generated } from 'kysely'
import type { Bit, EpochMs, Json, Uuid } from './column-types.ts'

export interface StackTable {
  id: Uuid
  /** A module is a stack without state of its own: everything else is the same. */
  kind: Generated<'stack' | 'module'>
  /** Unique among those of its kind. */
  slug: string
  name: string
  space_id: string
  branch: string
  project_root: string
  /** `project_root` in the form in which roots are compared. */
  normal_root: string
  labels: Json
  description: string
  /** Null: not attached, or detached. */
  integration_id: Uuid | null
  uses_default: Bit
  project_key: string | null
  repository_slug: string | null
  /** `PROJECT/slug`, project in upper case: how repositories without a known id are found (R47). */
  repository_key: string | null
  repository_id: number | null
  /** Whether Bitbucket has shown repository and branch (R29). */
  verified: Generated<Bit>
  /** `stack`: written inside the stack or module. */
  managed_by: 'stack' | 'attachment' | null
  attached_at: EpochMs | null
  detached: Bit
  detached_reason: string | null
  detached_at: EpochMs | null
  head_commit: string | null
  created_at: EpochMs
}
