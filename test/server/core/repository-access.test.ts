import { expect, test } from 'vitest'
import type { SpaceNode } from '../../../schemas/rules/usable-spaces.ts'
import { type IntegrationReach, lendsRepository, mayUseRepository } from '../../../server/core/repository-access.ts'

const node = (id: string, parentId: string | null, inheritEntities: boolean): [string, SpaceNode] => [
  id,
  { id, parentId, inheritEntities },
]
const tree = new Map([
  node('root', null, false),
  node('payments', 'root', true),
  node('cards', 'payments', true),
  node('alone', 'payments', false),
  node('hr', 'root', false),
])

const defaultWith = (repositoryAccess: IntegrationReach['repositoryAccess']): IntegrationReach => ({
  isDefault: true,
  spaceId: 'root',
  repositoryAccess,
})
const paymentsWith = (repositoryAccess: IntegrationReach['repositoryAccess']): IntegrationReach => ({
  isDefault: false,
  spaceId: 'payments',
  repositoryAccess,
})
const rule = (spaceId: string, ...repositories: string[]) => ({ spaceId, repositories })

test.for<[why: string, integration: IntegrationReach, spaceId: string, repository: string, may: boolean]>([
  ['a default integration without rules lends all to all', defaultWith(null), 'hr', 'HR/salaries', true],
  ['a space that does not inherit too', defaultWith(null), 'alone', 'HR/salaries', true],
  ['no rules at all lend nothing', defaultWith([]), 'root', 'PAY/api', false],
  ['a rule of the space', defaultWith([rule('payments', 'PAY/*')]), 'payments', 'PAY/api', true],
  ['a repository outside of it', defaultWith([rule('payments', 'PAY/*')]), 'payments', 'HR/salaries', false],
  ['a space that inherits from the rule’s', defaultWith([rule('payments', 'PAY/*')]), 'cards', 'PAY/api', true],
  ['one that does not inherit', defaultWith([rule('payments', 'PAY/*')]), 'alone', 'PAY/api', false],
  ['another space', defaultWith([rule('payments', 'PAY/*')]), 'hr', 'PAY/api', false],
  ['the parent of the rule’s space', defaultWith([rule('payments', 'PAY/*')]), 'root', 'PAY/api', false],
  ['a rule of root, inherited', defaultWith([rule('root', '**')]), 'cards', 'PAY/api', true],
  ['a rule of root where inheritance ends', defaultWith([rule('root', '**')]), 'hr', 'PAY/api', false],
  ['one of several patterns', defaultWith([rule('hr', 'X/*', 'HR/s*')]), 'hr', 'HR/salaries', true],
  ['one of several rules', defaultWith([rule('payments', 'PAY/*'), rule('hr', 'HR/*')]), 'hr', 'HR/salaries', true],
  ['another’s of several rules', defaultWith([rule('payments', 'PAY/*'), rule('hr', 'HR/*')]), 'hr', 'PAY/api', false],
  ['a project in other letters', defaultWith([rule('payments', 'pay/*')]), 'payments', 'PAY/api', true],
  ['a longer project key', defaultWith([rule('payments', 'PAY/*')]), 'payments', 'PAYROLL/api', false],
  ['a space-level integration without rules', paymentsWith(null), 'cards', 'HR/salaries', true],
  ['it is not usable from elsewhere', paymentsWith(null), 'hr', 'HR/salaries', false],
  ['nor with a rule that names the space', paymentsWith([rule('hr', '**')]), 'hr', 'HR/salaries', false],
  ['nor below where inheritance ends', paymentsWith([rule('alone', '**')]), 'alone', 'PAY/api', false],
  ['a space that is gone', defaultWith([rule('gone', '**')]), 'gone', 'PAY/api', false],
])('S23 S24 R27b %s', ([, integration, spaceId, repository, may]) => {
  const [projectKey = '', repositorySlug = ''] = repository.split('/')

  expect(mayUseRepository(integration, spaceId, { projectKey, repositorySlug }, tree)).toBe(may)
})

test('S24 a status is sent as long as some rule covers its repository', () => {
  const api = { projectKey: 'PAY', repositorySlug: 'api' }

  expect(lendsRepository(defaultWith(null), api)).toBe(true)
  expect(lendsRepository(defaultWith([]), api)).toBe(false)
  expect(lendsRepository(defaultWith([rule('hr', 'HR/*'), rule('payments', 'PAY/api')]), api)).toBe(true)
})
