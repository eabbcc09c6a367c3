import type { ConnectionTest, ConnectionTestRequest, NewConnectionTest } from '../../schemas/connection-test.ts'
import { authoriseIn, type Caller } from '../core/authorise.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { actorOf } from './actor.ts'
import { presentCaller } from './callers.ts'
import { checkHosts } from './check-hosts.ts'
import { testConnection } from './connection-test.ts'
import type { Installation } from './installation.ts'
import { countLookUp } from './integration-look-ups.ts'
import { getIntegrationFor } from './integration-view.ts'
import { requireDecision } from './require-decision.ts'
import { spaceNotFound } from './spaces.ts'

/** Tests an integration as it is stored: its tokens go to its place and to no other (S26, S28). */
export async function testIntegration(
  installation: Installation,
  asked: Caller,
  slug: string,
  { repository }: ConnectionTestRequest,
): Promise<ConnectionTest> {
  const { db, clock, sealer, bitbucket } = installation
  const now = clock.now()
  const row = await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const integration = await getIntegrationFor(transaction, caller, 'administer', slug)
    countLookUp(installation, caller)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'integration.test',
        object: `integration:${slug}`,
        ...(repository ? { details: { repository } } : {}),
      },
    ])
    return integration
  })
  const open = (column: 'access_token' | 'administration_token', sealed: string) =>
    sealer.open({ table: 'integration', id: row.id, column }, sealed)
  return testConnection(bitbucket, {
    apiHost: row.api_host,
    caCertPem: row.ca_cert_pem,
    accessToken: open('access_token', row.access_token),
    administrationToken: row.administration_token && open('administration_token', row.administration_token),
    repository,
  })
}

/** Tests a place with the tokens of the request, for an Admin of the space where the integration is to live. */
export async function testNewConnection(
  installation: Installation,
  asked: Caller,
  input: NewConnectionTest,
): Promise<ConnectionTest> {
  const { db, clock, bitbucket } = installation
  const { spaceId, repository, ...place } = input
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const tree = await readSpaceTree(transaction)
    const decision = tree.has(spaceId) ? authoriseIn(caller, 'administer', spaceId, tree) : 'hidden'
    const notFound = () => spaceNotFound(spaceId, '/spaceId')
    requireDecision(decision, `test connections for the space "${spaceId}"`, notFound)
    countLookUp(installation, caller)
    // A private host needs an address for people when it is saved, not when it is tested.
    await checkHosts(transaction, bitbucket, { ...place, spaceId, userFacingHost: place.apiHost }, tree)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'connection.test',
        object: `space:${spaceId}`,
        details: { apiHost: place.apiHost, ...(repository ? { repository } : {}) },
      },
    ])
  })
  return testConnection(bitbucket, { ...place, repository })
}
