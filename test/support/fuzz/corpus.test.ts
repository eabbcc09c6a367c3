import { expect, test } from 'vitest'
import { abstractRequest, concreteRequest } from './corpus.ts'
import type { WireRequest } from './requests.ts'
import type { Stock } from './stock.ts'

const nothing: Stock = {
  spaces: ['root', 'pillar-team'],
  emptySpaces: [],
  integrations: [],
  freeStacks: [],
  attachedStacks: [],
  freeModules: [],
  attachedModules: [],
  pools: [],
  users: [],
  keys: [],
  runs: [],
  deliveries: [],
  registrations: [],
}

test('R204 a request of the corpus is about what there is in the world where it is sent again', () => {
  const request: WireRequest = {
    operation: 'updateStack',
    caller: 'root admin',
    method: 'PATCH',
    path: '/api/v1/stacks/one?skipVerification=true&spaceId=team',
    headers: {},
    body: '{"spaceId":"team","repository":{"integrationId":"pillar-default"}}',
  }
  const here: Stock = { ...nothing, spaces: ['root', 'team'], freeStacks: ['one'] }
  const there: Stock = { ...nothing, spaces: ['root', 'other'], freeStacks: ['two'] }

  const kept = abstractRequest(request, here, 'http://127.0.0.1:1')
  const again = concreteRequest(kept, there, 'http://127.0.0.1:2')

  expect(kept.path).toBe('/api/v1/stacks/{{freeStacks}}?skipVerification=true&spaceId={{spaces}}')
  expect(again).toEqual({
    ...request,
    path: '/api/v1/stacks/two?skipVerification=true&spaceId=other',
    body: '{"spaceId":"other","repository":{"integrationId":"pillar-default"}}',
  })
})
