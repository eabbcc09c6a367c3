import fc from 'fast-check'
import { expect, test } from 'vitest'
import { webhookEvents } from '../../schemas/webhook.ts'
import { type SeenWebhook, startHookWorld } from './hook-world.ts'

const events = webhookEvents.map(({ key }) => key)

test('B31 B7 whatever there is, after apply a plan is empty, one webhook is right, and foreign ones are untouched', async () => {
  const world = await startHookWorld()
  await world.run('apply')
  const right = await world.onlyWebhook()
  const { url, secret } = world.credentials

  const own = fc.record({
    name: fc.constantFrom('Mooring main', 'renamed'),
    url: fc.constantFrom(url, `${url}/`, `${url}?r=${world.repository.id}`),
    events: fc.subarray([...events, 'pr:declined'], { minLength: 1 }),
    active: fc.boolean(),
    sslVerificationRequired: fc.boolean(),
    configuration: fc.constantFrom({}, right.configuration, { secret }, { secret: 'another', kept: 'yes' }),
  })
  const foreign = fc.record({
    name: fc.constantFrom('CI', 'Mooring main'),
    url: fc.constantFrom('https://ci.example.com/', `${url}/elsewhere`, `${url}?token=1`),
    events: fc.subarray(events, { minLength: 1 }),
    active: fc.boolean(),
    configuration: fc.constantFrom({}, { createdBy: right.configuration.createdBy }, { secret: 'theirs' }),
  })
  const marked = own.map((webhook) => ({ ...webhook, configuration: { createdBy: 'mooring/other/main' } }))

  await fc.assert(
    fc.asyncProperty(
      fc.array(own, { maxLength: 3 }),
      fc.array(fc.oneof(foreign, marked), { maxLength: 3 }),
      async (ours, theirs) => {
        for (const { id } of await world.webhooks())
          await world.emulator.rest('DELETE', `${world.repository.path}/webhooks/${id}`)
        for (const webhook of ours) await world.emulator.createWebhook(world.repository, webhook)
        const foreignIds: number[] = []
        for (const webhook of theirs)
          foreignIds.push((await world.emulator.createWebhook(world.repository, webhook)).id)
        const isForeign = ({ id }: SeenWebhook) => foreignIds.includes(id)
        const before = JSON.stringify((await world.webhooks()).filter(isForeign))

        const applied = await world.run('apply')
        const planned = await world.run('plan')

        expect(applied.result).toBe('complete')
        expect(planned.repositories.flatMap(({ changes }) => changes)).toEqual([])
        const after = await world.webhooks()
        expect(JSON.stringify(after.filter(isForeign))).toBe(before)
        expect(after.filter((webhook) => !isForeign(webhook))).toMatchObject([
          { url, active: true, configuration: { secret } },
        ])
      },
    ),
    { numRuns: 25 },
  )
})
