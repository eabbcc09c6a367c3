import { deleteStoryWebhooks, findBuildStatus, listStoryWebhooks } from './bitbucket.ts'
import { findRun, waitFor } from './mooring.ts'
import type { Stage } from './stage.ts'
import type { Story } from './story.ts'

const integrationId = 'company-bitbucket'
const stackOf = { network: 'network', shop: 'shop' } as const
type Repository = keyof typeof stackOf

/** Two repositories, two stacks, one integration: declared, planned, applied. */
export async function declare(stage: Stage, story: Story): Promise<void> {
  story.chapter('Declare the integration, two stacks and a webhook, and apply them')
  await stage.copies.network.push('main', 'Describe the network', { 'network/main.tf': '# the network\n' })
  await stage.copies.shop.push('main', 'Describe the shop', { 'main.tf': '# the shop\n' })
  await stage.terraform.init()
  const plan = await stage.terraform.plan()
  story.say('terraform plan:')
  story.quote(plan.text)
  story.say('terraform apply:')
  story.quote(await stage.terraform.apply())
  await expectNoChanges(stage, story)
  story.say('Terraform registered the webhook of DEMO/network.')
  await stage.startHook()
  await waitForWebhook(stage, 'shop')
  story.say('bitbucket-hook found that the stack "Shop" is attached, and registered the webhook of DEMO/shop.')
}

/** A push to the tracked branch makes a tracked run, to another branch a proposed one. */
export async function push(stage: Stage, story: Story): Promise<void> {
  story.chapter('Push with git')
  await pushAndFollow(stage, story, 'network', 'main', { 'network/main.tf': '# a wider network\n' })
  await pushAndFollow(stage, story, 'shop', 'main', { 'main.tf': '# a larger shop\n' })
  await pushAndFollow(stage, story, 'shop', 'second-shop', { 'second.tf': '# another shop\n' })
  const { items } = await stage.server.call('listDeliveries', { params: { id: integrationId }, query: {} })
  story.say(`The server verified, stored and confirmed ${items.length} deliveries:`)
  story.quote(
    items
      .reverse()
      .map(({ eventKey, verdict, size, runIds }) => `${eventKey}  ${verdict}  ${size} bytes  ${runIds.length} run`)
      .join('\n'),
  )
}

/** Somebody deletes both webhooks; each comes back in the way in which it was declared. */
export async function repairWebhooks(stage: Stage, story: Story): Promise<void> {
  story.chapter('Somebody deletes both webhooks in Bitbucket')
  await deleteStoryWebhooks(stage.bitbucket, 'network')
  await deleteStoryWebhooks(stage.bitbucket, 'shop')
  await waitForWebhook(stage, 'shop')
  story.say('bitbucket-hook has registered the one of DEMO/shop again.')
  const plan = await stage.terraform.plan()
  if (!plan.changes) throw new Error('The deleted webhook does not show in the plan.')
  story.say('The one that Terraform declares shows in the next plan:')
  story.quote(plan.text)
  story.quote(await stage.terraform.apply())
  await expectNoChanges(stage, story)
  await pushAndFollow(stage, story, 'network', 'main', { 'network/main.tf': '# the network, after the repair\n' })
  await pushAndFollow(stage, story, 'shop', 'main', { 'main.tf': '# the shop, after the repair\n' })
}

/** Deleting the integration detaches its stacks; apply makes it again and attaches them. */
export async function replaceIntegration(stage: Stage, story: Story): Promise<void> {
  story.chapter('Somebody deletes the integration')
  const { detached } = await stage.server.call('deleteIntegration', { params: { id: integrationId }, query: {} })
  story.say(`Its stacks are detached and refuse events until they have an integration again: ${detached.join(', ')}.`)
  const plan = await stage.terraform.plan()
  if (!plan.changes) throw new Error('The deleted integration does not show in the plan.')
  story.quote(plan.text)
  story.quote(await stage.terraform.apply())
  await expectNoChanges(stage, story)
  story.say('The new integration has the old address and a new secret; both webhooks carry it:')
  await waitForRegistration(stage, 'shop')
  await pushAndFollow(stage, story, 'network', 'main', { 'network/main.tf': '# the network, attached again\n' })
  await pushAndFollow(stage, story, 'shop', 'main', { 'main.tf': '# the shop, attached again\n' })
}

async function pushAndFollow(
  stage: Stage,
  story: Story,
  repository: Repository,
  branch: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const commit = await stage.copies[repository].push(branch, 'Change it', files)
  const run = await waitFor(`the run of ${commit} in ${repository}`, () =>
    findRun(stage.server, stackOf[repository], commit),
  )
  const key = `mooring/${stackOf[repository]}/${run.type.toLowerCase()}`
  const status = await waitFor(`the build status of ${commit}`, () =>
    findBuildStatus(stage.bitbucket, repository, commit, key),
  )
  story.say(
    `git push DEMO/${repository} ${branch} ${commit.slice(0, 10)}: ${run.type} run, ${run.state}; ` +
      `build status ${status.state}, "${status.description}"`,
  )
}

async function expectNoChanges(stage: Stage, story: Story): Promise<void> {
  const { changes, text } = await stage.terraform.plan()
  if (changes) throw new Error(`Terraform still sees changes after an apply:\n${text}`)
  story.quote(text)
}

async function waitForWebhook(stage: Stage, slug: Repository): Promise<void> {
  await waitFor(`the webhook of ${slug}`, async () => (await listStoryWebhooks(stage.bitbucket, slug))[0])
}

/** Until bitbucket-hook reports that the webhook has the newest secret. */
async function waitForRegistration(stage: Stage, slug: Repository): Promise<void> {
  await waitFor(`the registration of ${slug}`, async () => {
    const { items } = await stage.server.call('listRegistrations', { query: { integrationId } })
    return items.find((item) => item.repositorySlug === slug && item.observed === 'in_sync')
  })
}
