import { Meta } from '../meta.ts'
import type { OperationTable } from '../operation.ts'

export const metaOperations = {
  getMeta: {
    method: 'GET',
    path: '/api/v1/meta',
    summary: 'Version and capabilities of the server',
    permission: 'anyone',
    status: 200,
    response: Meta,
    problems: [],
  },
} as const satisfies OperationTable
