import type { OperationId } from '../../../schemas/api.ts'
import type { ProblemCode } from '../../../schemas/problem.ts'
import type { Provoker } from './provoke.ts'
import { toWire } from './requests.ts'

/** What an integration answers with whose Bitbucket, token or rules are like that. */
const byIntegration: Readonly<Record<string, ProblemCode>> = {
  'pillar-closed': 'bitbucket_unreachable',
  'pillar-private': 'vcs_agent_unavailable',
  'pillar-refused': 'bitbucket_refused',
  'pillar-proof': 'no_bitbucket_access',
  'pillar-narrow': 'repository_not_allowed',
  'pillar-team-vcs': 'integration_not_usable',
  absent: 'integration_not_found',
}
const caller = 'root admin'
const repository = { projectKey: 'INFRA', repositorySlug: 'network' }

/** All that can be wrong with the repository of a stack or module, in each way to attach one. */
export async function provokeAttaching({ world, kinds, ask }: Provoker): Promise<void> {
  const { root } = world
  for (const kind of kinds) {
    const name = () => `provoked-${Math.floor(world.random() * 1e12)}`
    const make = async (branch: string) => {
      const { id } = await root.call(`create${kind}`, { query: {}, body: { name: name(), branch } })
      return { id }
    }
    const makeAttached = async (branch: string) => {
      const params = await make(branch)
      // No agent is connected there, which is known at once.
      const body = { ...repository, integrationId: 'pillar-private' }
      await root.call(`attach${kind}`, { params, query: { skipVerification: 'true' }, body })
      return params
    }
    const create: OperationId = `create${kind}`
    const update: OperationId = `update${kind}`
    const attach: OperationId = `attach${kind}`
    const replace: OperationId = kind === 'Stack' ? 'replaceAttachment' : 'replaceModuleAttachment'
    const detach: OperationId = kind === 'Stack' ? 'detachStack' : 'detachModule'
    const get: OperationId = kind === 'Stack' ? 'getAttachment' : 'getModuleAttachment'

    /** Asks for the repository in each of the four ways. */
    const inEachWay = async (asked: object, code: ProblemCode, branch = 'main') => {
      const [free, attached] = [await make(branch), await makeAttached(branch)]
      await ask(toWire(create, caller, { body: { name: name(), branch, repository: asked } }), code)
      await ask(toWire(update, caller, { params: free, body: { repository: asked } }), code)
      await ask(toWire(attach, caller, { params: free, body: asked }), code)
      await ask(toWire(replace, caller, { params: attached, body: asked }), code)
    }
    for (const [integrationId, code] of Object.entries(byIntegration)) {
      await inEachWay({ ...repository, integrationId }, code)
    }
    await world.refreshCalls()
    await inEachWay({ ...repository, repositorySlug: 'absent' }, 'repository_not_in_bitbucket')
    await inEachWay(repository, 'branch_not_in_bitbucket', 'absent')

    const [free, attached] = [await make('main'), await makeAttached('main')]
    const within = { id: kind === 'Stack' ? 'pillar-stack' : 'pillar-module' }
    await ask(toWire(attach, caller, { params: attached, body: repository }), 'stack_already_attached')
    await ask(toWire(replace, caller, { params: within, body: repository }), 'stack_already_attached')
    await ask(toWire(update, caller, { params: attached, body: { repository } }), 'stack_already_attached')
    await ask(toWire(get, caller, { params: free }), 'attachment_not_found')
    await ask(toWire(replace, caller, { params: free, body: repository }), 'attachment_not_found')
    await ask(toWire(detach, caller, { params: free }), 'attachment_not_found')
    const taken = { name: within.id, branch: 'main' }
    await ask(toWire(create, caller, { body: taken }), 'name_taken')
    await ask(toWire(create, caller, { body: { ...taken, spaceId: 'absent' } }), 'space_not_found')
    await ask(toWire(update, caller, { params: free, body: { spaceId: 'absent' } }), 'space_not_found')
  }
  await ask(toWire('listRuns', caller, { query: { stackId: 'absent' } }), 'stack_not_found')
  await ask(toWire('listRuns', caller, { query: { moduleId: 'absent' } }), 'module_not_found')
}

/** All that can be wrong with a look at Bitbucket. */
export async function provokeBrowsing({ world, ask }: Provoker): Promise<void> {
  const place = { repository: 'INFRA/network', branch: 'main' }
  const ways: readonly (readonly [OperationId, object])[] = [
    ['listBitbucketProjects', {}],
    ['listBitbucketRepositories', {}],
    ['listBitbucketBranches', { repository: place.repository }],
    ['listBitbucketTree', place],
  ]
  await world.refreshCalls()
  for (const [id, query] of ways) {
    const look = (integration: string, more: object, code: ProblemCode) =>
      ask(toWire(id, caller, { params: { id: integration }, query: { ...query, spaceId: 'root', ...more } }), code)
    for (const [integration, code] of Object.entries(byIntegration)) {
      if (code !== 'repository_not_allowed' || 'repository' in query) await look(integration, {}, code)
    }
    await look('pillar-default', { spaceId: 'absent' }, 'space_not_found')
    if (!('repository' in query)) continue
    await look('pillar-default', { repository: 'INFRA/absent' }, 'repository_not_in_bitbucket')
    if (!('branch' in query)) continue
    await look('pillar-default', { branch: 'absent' }, 'branch_not_in_bitbucket')
    await look('pillar-default', { path: 'absent' }, 'path_not_in_bitbucket')
    await look('pillar-default', { path: 'README.md' }, 'path_not_in_bitbucket')
  }
}
