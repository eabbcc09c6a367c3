import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { findSecrets } from './secret-search.ts'

const secret = 'planted "secret"/+é&<x>'
const secrets = { token: secret }

test.for([
  { form: 'raw', sink: `before ${secret} after` },
  { form: 'URL-encoded', sink: `?token=${encodeURIComponent(secret)}&x` },
  { form: 'URL-encoded', sink: new URLSearchParams({ token: secret }).toString().replaceAll('%2B', '%2B') },
  { form: 'JSON-escaped', sink: JSON.stringify({ token: secret }) },
  { form: 'JSON-escaped', sink: JSON.stringify({ text: JSON.stringify({ token: secret }) }) },
  { form: 'JSON-escaped', sink: 'a Terraform state: "planted \\"secret\\"/+é\\u0026\\u003cx\\u003e"' },
  { form: 'hex', sink: Buffer.from(`x${secret}y`).toString('hex').toUpperCase() },
  { form: 'base64', sink: Buffer.from(secret).toString('base64') },
  { form: 'base64', sink: Buffer.from(`a${secret}b`).toString('base64') },
  { form: 'base64', sink: Buffer.from(`user:${secret}`).toString('base64') },
  { form: 'base64', sink: Buffer.from(`ab${secret}cd`).toString('base64') },
  { form: 'base64url', sink: Buffer.from(`ab${secret}cd`).toString('base64url') },
])('S46 the search finds a planted secret: $form', ({ form, sink }) => {
  expect(findSecrets(secrets, { control: sink }).map((finding) => finding.form)).toContain(form)
})

test('S46 the search finds nothing where nothing is planted, and never names the secret itself', () => {
  const clean = { noise: randomBytes(100_000), text: 'planted secret, but another' }

  expect(findSecrets(secrets, clean)).toEqual([])
  expect(JSON.stringify(findSecrets(secrets, { control: secret }))).not.toContain('planted')
})
