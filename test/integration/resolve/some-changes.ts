import { mainAccount, person } from '../../support/data-rooms.ts'
import {
  aPool,
  bindOn,
  type Outcome,
  type Place,
  type Rooms,
  refused,
  ringing,
} from './some-calls.ts'

/** A change that calls must see, with a call that tells whether they do. */
export type Change = {
  readonly name: string
  readonly call: Parameters<Rooms['router']['resolve']>[0]
  readonly before: Outcome
  readonly after: Outcome
  make(api: Rooms['api']): Promise<unknown>
}

type Given = Omit<Change, 'name' | 'call'> & {
  readonly caller?: ReturnType<typeof person>
  readonly extension?: string
}

const [a, b, n, other] = [person(70_001), person(70_002), person(70_003), person(70_004)]

/** One of each kind, every one on an X of its own. */
export async function someChanges(rooms: Pick<Rooms, 'api'>): Promise<readonly Change[]> {
  const makers: Readonly<Record<string, (rooms: Pick<Rooms, 'api'>) => Promise<[Place, Given]>>> = {
    'an AXB unbind': unbindAxb,
    'an AXN bind': bindAxn,
    'an AXN unbind': unbindAxn,
    'another A of an AXN': updateAxn,
    'an extension more': bindExtension,
    'an extension less': unbindExtension,
    'a member more': addMember,
    'a member less': removeMember,
    'an entry on the blacklist': blockCaller,
    'a pair on the blacklist': blockPair,
    'an entry taken off the blacklist': unblockCaller,
    'another callback mode': changeCallback,
  }
  const changes: Change[] = []
  for (const [name, maker] of Object.entries(makers)) {
    const [{ x }, { caller = n, extension, ...given }] = await maker(rooms)
    changes.push({ name, call: { caller, dialled: x, extension }, ...given })
  }
  return changes
}

async function unbindAxb(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXB')
  const { id } = await bindOn(rooms, place, { a, b: n })
  const before = ringing(a, 'B')
  const make: Given['make'] = ({ bindings }) => bindings.unbind({ accountId: mainAccount, id })
  return [place, { before, after: refused('no-binding'), make }]
}

async function bindAxn(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXN')
  const make: Given['make'] = (api) => bindOn({ api }, place, { a })
  return [place, { before: refused('no-binding'), after: ringing(a, 'N'), make }]
}

async function unbindAxn(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXN')
  const { id } = await bindOn(rooms, place, { a })
  const make: Given['make'] = ({ bindings }) => bindings.unbind({ accountId: mainAccount, id })
  return [place, { before: ringing(a, 'N'), after: refused('no-binding'), make }]
}

async function updateAxn(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXN')
  const { id } = await bindOn(rooms, place, { a })
  const make: Given['make'] = ({ bindings }) =>
    bindings.update({ accountId: mainAccount, id, change: { a: other } })
  return [place, { before: ringing(a, 'N'), after: ringing(other, 'N'), make }]
}

async function bindExtension(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXN_EXTENSION')
  const make: Given['make'] = (api) => bindOn({ api }, place, { a, extension: '5' })
  const before = refused('extension-unknown')
  return [place, { extension: '5', before, after: ringing(a, 'N'), make }]
}

async function unbindExtension(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXN_EXTENSION')
  const { id } = await bindOn(rooms, place, { a, extension: '5' })
  const make: Given['make'] = ({ bindings }) => bindings.unbind({ accountId: mainAccount, id })
  const after = refused('extension-unknown')
  return [place, { extension: '5', before: ringing(a, 'N'), after, make }]
}

async function aGroupOf(rooms: Pick<Rooms, 'api'>, member: typeof a) {
  const place = await aPool(rooms, 'AXG')
  const { id } = await rooms.api.groups.create({
    accountId: mainAccount,
    poolKey: place.poolKey,
    numbers: [member],
  })
  await bindOn(rooms, place, { a, groupId: id })
  return { place, ref: { accountId: mainAccount, poolKey: place.poolKey, id } }
}

async function addMember(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const { place, ref } = await aGroupOf(rooms, other)
  const make: Given['make'] = ({ groups }) => groups.edit(ref, 'add', [n])
  return [place, { before: refused('not-in-group', 'G'), after: ringing(a, 'G'), make }]
}

async function removeMember(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const { place, ref } = await aGroupOf(rooms, n)
  const make: Given['make'] = ({ groups }) => groups.edit(ref, 'delete', [n])
  return [place, { before: ringing(a, 'G'), after: refused('not-in-group', 'G'), make }]
}

async function aScreenedAxn(rooms: Pick<Rooms, 'api'>) {
  const place = await aPool(rooms, 'AXN')
  await bindOn(rooms, place, { a })
  const entry = { accountId: mainAccount, poolKey: place.poolKey, number: n }
  return { place, entry }
}

async function blockCaller(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const { place, entry } = await aScreenedAxn(rooms)
  const make: Given['make'] = ({ blacklist }) => blacklist.blockCaller(entry)
  return [place, { before: ringing(a, 'N'), after: refused('blacklisted'), make }]
}

async function blockPair(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const { place, entry } = await aScreenedAxn(rooms)
  const { accountId, poolKey } = entry
  const pair = { accountId, poolKey, first: a, second: n, way: 'PHONEA_REJECT' as const }
  const make: Given['make'] = ({ blacklist }) => blacklist.blockPair(pair)
  return [place, { before: ringing(a, 'N'), after: refused('blacklisted', 'N'), make }]
}

async function unblockCaller(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const { place, entry } = await aScreenedAxn(rooms)
  await rooms.api.blacklist.blockCaller(entry)
  const make: Given['make'] = ({ blacklist }) => blacklist.unblockCaller(entry)
  return [place, { before: refused('blacklisted'), after: ringing(a, 'N'), make }]
}

async function changeCallback(rooms: Pick<Rooms, 'api'>): Promise<[Place, Given]> {
  const place = await aPool(rooms, 'AXN')
  await bindOn(rooms, place, { a, b })
  const make: Given['make'] = ({ pools }) =>
    pools.change(mainAccount, place.poolKey, { callbackMode: 'disabled' })
  return [place, { caller: a, before: ringing(b, 'A'), after: refused('no-callback', 'A'), make }]
}
