import { hashPassword } from '../authentication.ts'
import { type Answer, type Call, json, noContent } from '../call.ts'
import { conflict, invalidField } from '../errors.ts'
import { findUser, getUser as getUserOf, slugOf } from '../find.ts'
import { pageOf } from '../paging.ts'
import { representUser } from '../representation.ts'
import type { User } from '../state.ts'

export function listUsers(call: Call): Answer {
  const { settings, store } = call.emulator
  const filter = (call.query.get('filter') ?? '').toLowerCase()
  const users = store.state.users
    .filter((user) =>
      [user.name, user.displayName, user.emailAddress].some((text) => text.toLowerCase().includes(filter)),
    )
    .map((user) => representUser(settings, user))
  return json(pageOf(users, call.query, settings))
}

export function getUser(call: Call): Answer {
  const { settings, store } = call.emulator
  return json(representUser(settings, getUserOf(store.state, call.params.userSlug ?? '')))
}

/** From query parameters, as Bitbucket does; outside the default group the user is not licensed. */
export function createUser(call: Call): Answer {
  const { store } = call.emulator
  const name = needed(call, 'name')
  if (findUser(store.state, name)) throw conflict(`The user ${name} exists already.`, 'name')
  const user: User = {
    id: store.nextId('user'),
    name,
    slug: slugOf(name),
    displayName: needed(call, 'displayName'),
    emailAddress: needed(call, 'emailAddress'),
    isActive: true,
    passwordHash: call.query.get('notify') === 'true' ? null : hashPassword(needed(call, 'password')),
    globalPermission: call.query.get('addToDefaultGroup') === 'false' ? null : 'LICENSED_USER',
  }
  store.state.users.push(user)
  store.changed()
  return noContent
}

/** Deletes the user, his tokens and what he was granted. */
export function deleteUser(call: Call): Answer {
  const { settings, store } = call.emulator
  const user = getUserOf(store.state, needed(call, 'name'))
  const { state } = store
  state.users = state.users.filter(({ id }) => id !== user.id)
  state.tokens = state.tokens.filter(({ owner }) => owner.kind !== 'user' || owner.id !== user.id)
  for (const { permissions } of [...state.projects, ...state.repositories]) delete permissions[String(user.id)]
  store.changed()
  return json(representUser(settings, user))
}

function needed(call: Call, name: string): string {
  const value = call.query.get(name) ?? ''
  if (value === '') throw invalidField(name, `The parameter ${name} is missing.`)
  return value
}
