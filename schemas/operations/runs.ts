import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { Run } from '../run.ts'
import { Slug } from '../text.ts'
import { byRowId } from './parameters.ts'

export const runOperations = {
  listRuns: {
    method: 'GET',
    path: '/api/v1/runs',
    summary: 'List the runs, newest first',
    permission: 'read',
    query: z.object({ ...pageQuery, stackId: Slug.optional(), moduleId: Slug.optional() }),
    status: 200,
    response: pageOf(Run),
    problems: ['stack_not_found', 'module_not_found'],
  },
  getRun: {
    method: 'GET',
    path: '/api/v1/runs/{id}',
    summary: 'Read a run',
    permission: 'read',
    params: byRowId,
    status: 200,
    response: Run,
    problems: ['run_not_found'],
  },
} as const satisfies OperationTable
