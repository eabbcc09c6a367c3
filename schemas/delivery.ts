import * as z from 'zod'
import { RowId, Slug, Timestamp } from './text.ts'

/** Where a delivery is in the queue. */
export const deliveryStates = ['queued', 'processed'] as const

/** What became of a delivery (R38), with its reason where there is one. */
export const deliveryVerdicts = ['accepted', 'ignored', 'unreadable'] as const
export const deliveryReasons = [
  'event',
  'no_match',
  'not_confirmed',
  'superseded',
  'replay',
  'key_mismatch',
  'no_change',
  'malformed',
  'gave_up',
] as const

export const Delivery = z
  .object({
    id: RowId,
    integrationId: Slug,
    requestId: z.string().nullable(),
    eventKey: z.string().describe('From the signed body once it is read; from the header before.'),
    receivedAt: Timestamp,
    size: z.int().describe('Bytes of the body.'),
    secretVersion: z.int().describe('The version of the webhook secret that signed it.'),
    duplicates: z.int().describe('How often the same delivery came again.'),
    state: z.enum(deliveryStates),
    verdict: z.enum(deliveryVerdicts).nullable(),
    reason: z.enum(deliveryReasons).nullable(),
    detail: z.string().nullable().describe('The reason in words, or the path of the field that could not be read.'),
    attempts: z.int(),
    runIds: z.array(RowId),
  })
  .meta({ id: 'Delivery' })
export type Delivery = z.infer<typeof Delivery>
