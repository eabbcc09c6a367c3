/** The Bitbucket of the story: the emulator, used through Bitbucket's own REST API as an administrator would. */
export interface StoryBitbucket {
  readonly url: string
  readonly projectKey: string
  /** For git, and for what an administrator does by hand. */
  readonly adminToken: string
  /** What Mooring reads with: PROJECT_READ and REPO_READ. */
  readonly readToken: string
  /** What manages webhooks: REPO_ADMIN. */
  readonly webhookToken: string
}

export interface StoryWebhook {
  readonly id: number
  readonly name: string
  readonly url: string
}

export interface StoryStatus {
  readonly key: string
  readonly state: string
  readonly description: string
  readonly url: string
}

/** Makes a project with the given repositories, and two users with one token each. */
export async function furnishBitbucket(
  url: string,
  adminToken: string,
  repositories: readonly string[],
): Promise<StoryBitbucket> {
  const projectKey = 'DEMO'
  const call = (method: string, path: string, body?: unknown) => callBitbucket(url, adminToken, method, path, body)
  await call('POST', '/rest/api/latest/projects', { key: projectKey, name: 'Demo' })
  for (const name of repositories) await call('POST', `/rest/api/latest/projects/${projectKey}/repos`, { name })
  const readToken = await createUserToken(call, projectKey, 'mooring', 'PROJECT_READ', ['PROJECT_READ', 'REPO_READ'])
  const webhookToken = await createUserToken(call, projectKey, 'mooring-webhooks', 'PROJECT_ADMIN', ['REPO_ADMIN'])
  return { url, projectKey, adminToken, readToken, webhookToken }
}

export async function listStoryWebhooks(bitbucket: StoryBitbucket, slug: string): Promise<readonly StoryWebhook[]> {
  const page = await asAdmin(bitbucket, 'GET', `${repositoryPath(bitbucket, slug)}/webhooks`)
  return (page as { values: StoryWebhook[] }).values
}

/** What somebody does who does not know what a webhook is good for. */
export async function deleteStoryWebhooks(bitbucket: StoryBitbucket, slug: string): Promise<void> {
  for (const { id } of await listStoryWebhooks(bitbucket, slug)) {
    await asAdmin(bitbucket, 'DELETE', `${repositoryPath(bitbucket, slug)}/webhooks/${id}`)
  }
}

/** The build status of a commit under a key; undefined while there is none. */
export async function findBuildStatus(
  bitbucket: StoryBitbucket,
  slug: string,
  commit: string,
  key: string,
): Promise<StoryStatus | undefined> {
  const path = `${repositoryPath(bitbucket, slug)}/commits/${commit}/builds?key=${encodeURIComponent(key)}`
  const status = await callBitbucket(bitbucket.url, bitbucket.adminToken, 'GET', path, undefined, [404])
  return status as StoryStatus | undefined
}

function repositoryPath({ projectKey }: StoryBitbucket, slug: string): string {
  return `/rest/api/latest/projects/${projectKey}/repos/${slug}`
}

function asAdmin(bitbucket: StoryBitbucket, method: string, path: string): Promise<unknown> {
  return callBitbucket(bitbucket.url, bitbucket.adminToken, method, path)
}

async function createUserToken(
  call: (method: string, path: string, body?: unknown) => Promise<unknown>,
  projectKey: string,
  user: string,
  grant: string,
  permissions: readonly string[],
): Promise<string> {
  const fields = new URLSearchParams({
    name: user,
    displayName: user,
    emailAddress: `${user}@example.com`,
    password: crypto.randomUUID(),
  })
  await call('POST', `/rest/api/latest/admin/users?${fields}`)
  const granted = new URLSearchParams({ name: user, permission: grant })
  await call('PUT', `/rest/api/latest/projects/${projectKey}/permissions/users?${granted}`)
  const token = await call('PUT', `/rest/access-tokens/latest/users/${user}`, { name: 'quickstart', permissions })
  return (token as { token: string }).token
}

async function callBitbucket(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
  absent: readonly number[] = [],
): Promise<unknown> {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-atlassian-token': 'no-check' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (absent.includes(answer.status)) return undefined
  if (!answer.ok) throw new Error(`Bitbucket answered ${answer.status} to ${method} ${path}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
