import { bitbucketEventKeys } from '../../schemas/webhook.ts'
import { type Answer, type Call, json } from '../call.ts'

/** Version and name, for anybody who asks. */
export function getApplicationProperties(call: Call): Answer {
  const { version } = call.emulator.settings
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const buildNumber = `${major}${String(minor).padStart(3, '0')}${String(patch).padStart(3, '0')}`
  return json({ version, buildNumber, buildDate: '1721088000000', displayName: 'Bitbucket' })
}

/** The event keys by Bitbucket's own account, which names more than a webhook may have. */
export function getWebhookCapabilities(): Answer {
  const never = ['project:created', 'project:deleted', 'repo:created', 'repo:deleted', 'repo:default_branch_modified']
  return json({ 'application-webhooks': [...bitbucketEventKeys, ...never] })
}

export function getBuildCapabilities(): Answer {
  return json({ buildStatus: ['richBuildStatus'] })
}
