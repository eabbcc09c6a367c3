import * as z from 'zod'

/** The slug that stands for an object in addresses and in Terraform; never changes. */
export const Slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a slug: a-z, 0-9 and inner "-"')

/**
 * The id of a space: a slug, or the id that a space had where it was imported from, capitals included (R210b). It is
 * compared as it is written.
 */
export const SpaceId = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?$/, 'expected the id of a space: letters, digits and inner "-"')

/** A UUID of version 7, made by the server: its order is the order of creation. */
export const RowId = z.uuid()

export const Name = z
  .string()
  .min(1)
  .max(100)
  .refine((name) => name.trim() === name, 'expected no blanks at the ends')

/** 1 to 64 characters (R17). */
export const Label = z
  .string()
  .min(1)
  .max(64)
  .refine((label) => label.trim() === label, 'expected no blanks at the ends')

/** At most 50 labels without duplicates (R17). */
export const Labels = z
  .array(Label)
  .max(50)
  .refine((labels) => new Set(labels).size === labels.length, 'expected no duplicates')

/** Markdown. */
export const Description = z.string().max(10_000)

export const Timestamp = z.iso.datetime().describe('RFC 3339, in UTC.')
