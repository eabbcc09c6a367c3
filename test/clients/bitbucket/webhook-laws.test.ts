import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DesiredWebhook, WebhookPolicy } from '../../../clients/bitbucket/desired-webhook.ts'
import {
  keptWebhook,
  type WebhookChange,
  webhookDrift,
  webhookRemovals,
} from '../../../clients/bitbucket/webhook-drift.ts'
import type { ObservedWebhook } from '../../../clients/bitbucket/webhooks.ts'
import { endpoint, events, instanceId, secret, wanted } from './webhook-samples.ts'

const former = 'https://old.example.com/webhooks/bitbucket-datacenter/prod'
const ourMark = `mooring/${instanceId}/int1`

const anyEvents = fc.uniqueArray(fc.constantFrom(...events, 'pr:declined', 'repo:modified', 'pr:deleted'))

const anyUrl = fc.constantFrom(
  `${endpoint}?r=7`,
  `${endpoint}/?r=7`,
  endpoint,
  `${endpoint}?r=8`,
  `${endpoint}?p=3`,
  `${endpoint}?r=7&x=1`,
  `${former}?r=7`,
  'https://MOORING.example.com:443/webhooks/bitbucket-datacenter/prod?r=7',
  'https://mooring.example.com/webhooks/bitbucket-datacenter/other',
  'https://evil.example.com/hook?r=7',
  'not a URL',
)

const anyConfiguration = fc
  .record(
    {
      secret: fc.constantFrom(secret, 'old', '', '******'),
      createdBy: fc.constantFrom(
        ourMark,
        `mooring/${instanceId}/int2`,
        'mooring/other/int1',
        'jenkins',
        'bitbucket',
        '',
      ),
      mooringSecretVersion: fc.constantFrom('3', '2', ''),
      unknownKey: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((configuration) => configuration as Record<string, unknown>)

const anyWebhook: fc.Arbitrary<Omit<ObservedWebhook, 'id'>> = fc.record(
  {
    name: fc.constantFrom('Mooring Prod', 'Mooring', 'CI'),
    url: anyUrl,
    events: anyEvents,
    active: fc.boolean(),
    sslVerificationRequired: fc.boolean(),
    scopeType: fc.constantFrom('repository', 'repository', 'project'),
    configuration: anyConfiguration,
    credentials: fc.record({ username: fc.constantFrom('jdoe', '') }),
  },
  { requiredKeys: ['name', 'url', 'events', 'active'] },
)

const anyPolicy: fc.Arbitrary<WebhookPolicy> = fc.record({
  eventsPolicy: fc.constantFrom('at-least', 'exact'),
  adopt: fc.boolean(),
  respectDisabled: fc.boolean(),
  scopeOverlap: fc.constantFrom('keep_project', 'keep_repository', 'report'),
  secretReadable: fc.constant(true),
})

const anyWorld = fc.record({
  observed: fc
    .array(anyWebhook, { maxLength: 6 })
    .chain((webhooks) =>
      fc
        .shuffledSubarray([1, 2, 3, 5, 8, 13], { minLength: webhooks.length, maxLength: webhooks.length })
        .map((ids) => webhooks.map((webhook, index) => ({ ...webhook, id: ids[index] ?? 0 }) as ObservedWebhook)),
    ),
  desired: fc
    .record({
      policy: anyPolicy,
      events: anyEvents,
      active: fc.boolean(),
      sslVerificationRequired: fc.boolean(),
      registeredIds: fc.subarray([1, 2, 3, 5, 8]),
      withSecret: fc.boolean(),
    })
    .map(({ withSecret, ...rest }) =>
      wanted({
        ...rest,
        formerEndpoints: [former],
        ...(withSecret ? {} : { secret: undefined, secretVersion: undefined }),
      }),
    ),
})

/** Bitbucket as far as a plan can change it: a POST takes the next id, a PUT replaces everything but the id. */
function carryOut(changes: readonly WebhookChange[], observed: readonly ObservedWebhook[]): ObservedWebhook[] {
  let present = [...observed]
  for (const change of changes) {
    if (change.kind === 'delete') present = present.filter(({ id }) => id !== change.id)
    else if (change.kind === 'create') present.push({ ...change.body(), id: 100, scopeType: change.level })
    else {
      const scopeType = present.find(({ id }) => id === change.id)?.scopeType
      const replaced = { ...change.body(), id: change.id, ...(scopeType === undefined ? {} : { scopeType }) }
      present = present.map((webhook) => (webhook.id === change.id ? replaced : webhook))
    }
  }
  return present
}

/** Written anew on purpose, from the words of the specification: what the planner may never write to. */
function isForeign(webhook: ObservedWebhook, desired: DesiredWebhook): boolean {
  const text = webhook.url.replace('https://MOORING.example.com:443', 'https://mooring.example.com')
  const bare = text.replace(/\/?(\?[rp]=\d+)?$/, '')
  const registered = desired.ownership.registeredIds.includes(webhook.id)
  if (bare === former) return !registered
  if (bare !== endpoint) return true
  const mark = webhook.configuration?.createdBy
  return !registered && mark !== undefined && !['', 'bitbucket', ourMark].includes(String(mark))
}

const runs = { numRuns: 2000 }

test('B31 carrying out the plan leaves nothing to do', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      const after = carryOut(webhookDrift(desired, observed), observed)

      expect(webhookDrift(desired, after)).toEqual([])
    }),
    runs,
  )
})

test('B31 the same input gives the same plan, and is left as it was', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      const before = structuredClone(observed)
      const plain = (changes: WebhookChange[]) =>
        changes.map((change) => (change.kind === 'delete' ? change : { ...change, body: change.body() }))

      expect(plain(webhookDrift(desired, observed))).toEqual(plain(webhookDrift(desired, [...observed].reverse())))
      expect(observed).toEqual(before)
    }),
    runs,
  )
})

test('B7 B9 B10 never touches a webhook that is not ours', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      const foreign = observed.filter((webhook) => isForeign(webhook, desired))
      const removals = webhookRemovals(desired.ownership, observed, { level: 'repository', adopt: true })

      for (const changes of [webhookDrift(desired, observed), removals]) {
        const after = carryOut(changes, observed)
        expect(after.filter(({ id }) => foreign.some((webhook) => webhook.id === id))).toEqual(foreign)
      }
    }),
    runs,
  )
})

test('B34 a removal leaves only what is not ours', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      const here = observed.filter((webhook) => webhook.scopeType !== 'project')
      const after = carryOut(webhookRemovals(desired.ownership, here, { level: 'repository', adopt: true }), here)

      expect(after).toEqual(here.filter((webhook) => isForeign(webhook, desired)))
    }),
    runs,
  )
})

test('B6 one webhook of ours is there at the end, the oldest, as desired', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      fc.pre(desired.policy.adopt && desired.policy.scopeOverlap === 'report')
      const ours = (webhooks: readonly ObservedWebhook[]) =>
        webhooks.filter((webhook) => webhook.scopeType !== 'project' && !isForeign(webhook, desired))
      const oldest = Math.min(...ours(observed).map(({ id }) => id), 100)

      const after = ours(carryOut(webhookDrift(desired, observed), observed))

      expect(after.map(({ id }) => id)).toEqual([oldest])
      expect(after[0]?.events).toEqual(expect.arrayContaining([...desired.events]))
      expect(after[0]?.configuration?.secret ?? '').toBe(desired.secret ?? after[0]?.configuration?.secret ?? '')
      expect(keptWebhook(desired, observed)?.id ?? 100).toBe(oldest)
    }),
    runs,
  )
})

test('B5 what others keep in the configuration survives, and so does the name of the credentials', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      const after = carryOut(webhookDrift(desired, observed), observed)

      for (const webhook of after) {
        const before = observed.find(({ id }) => id === webhook.id)
        expect(webhook.configuration?.unknownKey).toEqual(before?.configuration?.unknownKey)
        expect(webhook.credentials?.username || undefined).toBe(before?.credentials?.username || undefined)
      }
    }),
    runs,
  )
})

test('S68 no body sends the secret anywhere but to our own address', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      for (const change of webhookDrift(desired, observed)) {
        if (change.kind !== 'delete') expect(change.body().url).toBe(`${endpoint}?r=7`)
      }
    }),
    runs,
  )
})

test('B13 no plan shows a secret, whatever is in Bitbucket', () => {
  fc.assert(
    fc.property(anyWorld, ({ desired, observed }) => {
      expect(JSON.stringify(webhookDrift(desired, observed))).not.toContain('planted')
    }),
    runs,
  )
})
