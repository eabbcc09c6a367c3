import { type Arguments, block } from './attributes.ts'
import type { Stage } from './stage.ts'

export const integrationType = 'mooring_bitbucket_datacenter_integration'

/** An integration of the stage's Bitbucket, with a write-only token. */
export function integrationBlock(stage: Stage, name: string, values: Arguments = {}): string {
  return block(integrationType, name, {
    name: JSON.stringify(name),
    api_host: JSON.stringify(stage.emulator.url),
    access_token_wo: JSON.stringify(stage.readToken),
    access_token_wo_version: '"1"',
    ...values,
  })
}

export function spaceBlock(name: string, values: Arguments = {}): string {
  return block('mooring_space', name, { name: JSON.stringify(name), ...values })
}

export function stackBlock(name: string, values: Arguments = {}): string {
  return block('mooring_stack', name, { name: JSON.stringify(name), branch: '"main"', ...values })
}

/** The repository inside a stack, in the project PRJ. */
export function repositoryOf(integration: string, slug: string): string {
  return `{ integration_id = ${integrationType}.${integration}.id, project_key = "PRJ", slug = "${slug}" }`
}

export function attachmentBlock(stack: string, integration: string, slug: string, values: Arguments = {}): string {
  return block('mooring_stack_vcs_attachment', stack, {
    stack_id: `mooring_stack.${stack}.id`,
    integration_id: `${integrationType}.${integration}.id`,
    project_key: '"PRJ"',
    repository_slug: JSON.stringify(slug),
    ...values,
  })
}

/** The webhook of an integration in a repository of the project PRJ. */
export function webhookBlock(name: string, integration: string, slug: string, values: Arguments = {}): string {
  return block('mooring_bitbucket_webhook', name, {
    integration_id: `${integrationType}.${integration}.id`,
    project_key: '"PRJ"',
    repository_slug: JSON.stringify(slug),
    ...values,
  })
}
