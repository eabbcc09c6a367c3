/** What is kept of one request. Never its Authorization header, and never its body. */
export interface RequestRecord {
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly method: string
  /** With the query, as it was sent, below the context path. */
  readonly path: string
  /** The operation that answered it, `GET /api/latest/repos`; null where none did. */
  readonly operation: string | null
  /** 0 where the connection was closed without an answer. */
  readonly status: number
  readonly durationMs: number
  /** The user's name; null for anonymous requests and for tokens without a user. */
  readonly user: string | null
  readonly scope: 'anonymous' | 'user' | 'project' | 'repository' | 'rejected'
  /** The id of the access token that was used. */
  readonly token: string | null
}

export interface RequestLog {
  add(record: Omit<RequestRecord, 'sequence'>): void
  /** Oldest first, those after the sequence number. */
  list(after?: number): RequestRecord[]
  clear(): void
}

/** Keeps the newest records, at most `capacity` of them. */
export function createRequestLog(capacity: number): RequestLog {
  let records: RequestRecord[] = []
  let last = 0
  return {
    add(record) {
      last += 1
      records.push({ sequence: last, ...record })
      // Cut in steps: one copy for many requests.
      if (records.length > capacity * 2) records = records.slice(-capacity)
    },
    list(after = 0) {
      return records.slice(-capacity).filter((record) => record.sequence > after)
    },
    clear() {
      records = []
    },
  }
}
