import { CompiledQuery } from 'kysely'
import type { OperationId } from '../../../schemas/api.ts'
import type { ProblemCode } from '../../../schemas/problem.ts'
import { isPostgres, kindOfUrl } from '../../../server/store/dialect/kind.ts'
import { openSqliteConnection, sqliteFile } from '../../../server/store/dialect/sqlite-connection.ts'
import type { Ledger } from './ledger.ts'
import { makeSteady } from './make.ts'
import type { Provoker } from './provoke.ts'
import { openWire, toWire, type WireRequest } from './requests.ts'
import { newIdentity, startFuzzServer } from './server.ts'
import { restock } from './stock.ts'

/** A database that takes no writes: a lock is not to be had, and on PostgreSQL its disk is full. The world is of no more use. */
export async function provokeUnavailable({ world, chosen, isThorough, ask }: Provoker): Promise<void> {
  const { server } = world
  if (!isPostgres(server.db)) {
    // A statement waits five seconds for the other process, and all others wait with it.
    if (!isThorough) return
    const request = toWire('createSpace', 'root admin', { body: { name: 'nowhere' } })
    const holder = openSqliteConnection(sqliteFile(server.databaseUrl))
    // Who is signed in already writes no more than he is asked to.
    await world.callers.headersOf(request.caller)
    holder.exec('begin immediate')
    try {
      await ask(request, 'database_unavailable')
    } finally {
      holder.close()
    }
    return
  }
  const run = (text: string) => server.db.executeQuery(CompiledQuery.raw(text))
  const stock = await restock(world)
  const recorded = chosen.filter(([id, { isWrite }]) => isWrite && !/ession|Token|Registration/.test(id))
  const requests = recorded.map(([id]) => ({ ...makeSteady(id, stock, world), caller: 'root admin' }))
  await world.callers.headersOf('root admin')
  const refuse = async (state: string) => {
    await run(`create or replace function refuse_insert() returns trigger language plpgsql as
      $$ begin raise exception 'not now' using errcode = '${state}'; end $$`)
  }
  await refuse('55P03')
  await run('create trigger refuse_insert before insert on audit for each row execute function refuse_insert()')
  for (const request of requests) await ask(request, 'database_unavailable')
  // After the first statement that finds the disk full, the server tries no other write for a while.
  await refuse('53100')
  await ask(toWire('createSpace', 'root admin', { body: { name: 'nowhere' } }), 'database_unavailable')
  for (const request of requests) {
    if (request.method !== 'DELETE') await ask(request, 'disk_space_low')
  }
  await run('drop function refuse_insert() cascade')
}

/** What only another configuration answers: a disk that is nearly full, a copy that keeps quiet, no address of its own. */
export async function provokeElsewhere(databaseUrl: string, ledger: Ledger): Promise<void> {
  const identity = newIdentity(databaseUrl)
  const first = await startFuzzServer(identity, {})
  const { id: keyId, secret: keySecret } = await first
    .client(first.bootstrapKey)
    .call('createApiKey', { body: { name: 'root', role: 'admin' } })
  const root = first.client({ keyId, keySecret })
  const host = { apiHost: 'https://bitbucket.invalid', accessToken: 'a-token' }
  await root.call('createIntegration', { body: { name: 'vcs', isDefault: true, ...host } })
  await root.call('createStack', { query: {}, body: { name: 'stack', branch: 'main' } })
  const { id: stranger } = await root.call('createUser', { body: { name: 'somebody' } })
  await first.close()

  const at = async (
    settings: Readonly<Record<string, string>>,
    wish: 'keep' | 'be_quiet',
    requests: readonly WireRequest[],
    code: ProblemCode,
  ) => {
    const server = await startFuzzServer(identity, settings, wish)
    const wire = openWire(server.url)
    try {
      const { token } = await server.client({ keyId, keySecret }).call('createToken', { body: { keyId, keySecret } })
      for (const request of requests) {
        const answer = await wire.send(request, { authorization: `Bearer ${token}` })
        const found = ledger.note(request, answer, server.complaints())
        if (found !== code) ledger.blame(request, `expected ${code}, was answered ${found}: ${answer.text}`)
      }
    } finally {
      wire.close()
      await server.close()
    }
  }
  const name = 'another'
  const repository = { projectKey: 'INFRA', repositorySlug: 'network' }
  const to = (id: OperationId, parts: Parameters<typeof toWire>[2]) => toWire(id, 'root', parts)
  const stack = { id: 'stack' }
  const browsing = { params: { id: 'vcs' }, query: { spaceId: 'root' } }
  const look = { ...browsing.query, repository: 'INFRA/network', branch: 'main' }
  const writes = [
    to('createSpace', { body: { name } }),
    to('updateSpace', { params: { id: 'root' }, body: { name } }),
    to('createUser', { body: { name } }),
    to('updateUser', { params: { id: stranger }, body: { name } }),
    to('createApiKey', { body: { name, role: 'reader' } }),
    to('updateApiKey', { params: { id: keyId }, body: { name } }),
    to('createIntegration', { body: { name, ...host } }),
    to('updateIntegration', { params: { id: 'vcs' }, body: { description: 'new' } }),
    to('testIntegration', { params: { id: 'vcs' }, body: {} }),
    to('testConnection', { body: host }),
    to('createVcsAgentPool', { body: { name } }),
    to('createStack', { body: { name, branch: 'main' } }),
    to('updateStack', { params: stack, body: { name } }),
    to('createModule', { body: { name, branch: 'main' } }),
    to('attachStack', { params: stack, body: repository }),
    to('replaceAttachment', { params: stack, body: repository }),
  ]
  // Of PostgreSQL's disk nothing is known before it is full.
  if (kindOfUrl(databaseUrl) === 'sqlite') {
    await at({ MOORING_DISK_LOW_WATER_MIB: '1000000000' }, 'keep', writes, 'disk_space_low')
  }
  await at(
    { MOORING_PUBLIC_URL: '' },
    'keep',
    [to('createIntegration', { body: { name, ...host } })],
    'public_url_required',
  )
  const silent = [
    to('listWebhookTargets', {}),
    to('reportRegistration', {
      body: {
        ...repository,
        integrationId: 'vcs',
        repositoryId: 1,
        webhookId: null,
        secretVersion: 1,
        observed: 'missing',
        managedBy: 'service',
      },
    }),
    to('forgetRegistration', { params: { id: stranger } }),
    to('listBitbucketProjects', browsing),
    to('listBitbucketRepositories', browsing),
    to('listBitbucketTree', { ...browsing, query: look }),
    to('attachStack', { params: stack, body: repository }),
    to('createStack', { body: { name, branch: 'main', repository } }),
    to('createModule', { body: { name, branch: 'main', repository } }),
    to('updateStack', { params: stack, body: { repository } }),
  ]
  await at({}, 'be_quiet', silent, 'copy_is_quiet')
}
