import { describe, expect, test } from 'vitest'
import { getApplicationProperties } from '../../../clients/bitbucket/repositories.ts'
import { createWebhook } from '../../../clients/bitbucket/webhooks.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { answering, openClient } from './client-under-test.ts'
import { seen } from './webhook-samples.ts'

const properties = { version: '9.4.2', buildNumber: '9004002', newField: [1] }

describe('sends', () => {
  test('R18a the token as Bearer, and the header against request forgery checks', async () => {
    const { client, requests } = answering(200, properties)

    await getApplicationProperties(client)

    expect(requests).toEqual([
      {
        method: 'GET',
        url: 'https://bb.example.com/bitbucket/rest/api/latest/application-properties',
        headers: { accept: 'application/json', 'x-atlassian-token': 'no-check', authorization: 'Bearer planted-token' },
      },
    ])
  })

  test('no credential where it has none, as in the browser', async () => {
    const { client, requests } = answering(200, properties)
    const { token: _, ...anonymous } = client

    await getApplicationProperties(anonymous)

    expect(requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test('JSON as JSON, with the signal and the deadline of the client', async () => {
    const { client, requests } = answering(200, seen())
    const { signal } = new AbortController()
    const body = {
      name: 'n',
      url: 'https://x.example.com',
      events: [],
      active: true,
      sslVerificationRequired: true,
      configuration: {},
    }

    await createWebhook({ ...client, signal, timeoutMs: 5 }, { projectKey: 'P' }, body, 'https://x.example.com')

    expect(requests[0]).toMatchObject({
      method: 'POST',
      body: JSON.stringify(body),
      signal,
      timeoutMs: 5,
      headers: { 'content-type': 'application/json' },
    })
  })
})

test('S39 what Bitbucket adds passes', async () => {
  expect(await getApplicationProperties(answering(200, properties).client)).toEqual(properties)
})

test.for(['', '/bitbucket', '/a/b'])('reaches Bitbucket below the context path "%s"', async (contextPath) => {
  const emulator = await startTestEmulator({ contextPath, version: '8.19.1' })

  const { version } = await getApplicationProperties(openClient(emulator.url, emulator.adminToken))

  expect(version).toBe('8.19.1')
})

test('a wrong context path is not Bitbucket, or does not exist', async () => {
  const emulator = await startTestEmulator({ contextPath: '/bitbucket' })
  const { origin } = new URL(emulator.url)

  await expect(getApplicationProperties(openClient(origin, emulator.adminToken))).rejects.toMatchObject({
    code: expect.stringMatching(/^(not_found|not_bitbucket)$/),
  })
})
