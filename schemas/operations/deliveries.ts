import * as z from 'zod'
import { Delivery, deliveryStates } from '../delivery.ts'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { byRowId, bySlug } from './parameters.ts'

export const deliveryOperations = {
  listDeliveries: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/deliveries',
    summary: 'List an integration’s deliveries, newest first',
    permission: 'administer',
    params: bySlug,
    query: z.object({ ...pageQuery, state: z.enum(deliveryStates).optional() }),
    status: 200,
    response: pageOf(Delivery),
    problems: ['integration_not_found'],
  },
  getDelivery: {
    method: 'GET',
    path: '/api/v1/deliveries/{id}',
    summary: 'Read a delivery',
    permission: 'administer',
    params: byRowId,
    status: 200,
    response: Delivery,
    problems: ['delivery_not_found'],
  },
} as const satisfies OperationTable
