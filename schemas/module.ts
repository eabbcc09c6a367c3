import * as z from 'zod'
import { attachmentFields, NewStack, Stack, StackUpdate } from './stack.ts'
import { Slug } from './text.ts'

export const ModuleAttachment = z.object({ moduleId: Slug, ...attachmentFields }).meta({ id: 'ModuleAttachment' })
export type ModuleAttachment = z.infer<typeof ModuleAttachment>

/** A Terraform module that is tested by runs as stacks are (R71). Its id is apart from the stacks'. */
export const Module = z.object({ ...Stack.shape, attachment: ModuleAttachment.nullable() }).meta({ id: 'Module' })
export type Module = z.infer<typeof Module>

export const NewModule = z.strictObject(NewStack.shape).meta({ id: 'NewModule' })
export type NewModule = z.infer<typeof NewModule>

export const ModuleUpdate = z.strictObject(StackUpdate.shape).meta({ id: 'ModuleUpdate' })
export type ModuleUpdate = z.infer<typeof ModuleUpdate>
