import { expect } from 'vitest'
import type { History } from '../../support/history.ts'
import type { Look, Town } from './a-town.ts'

type Life = Town['lives'][number]

/**
 * The promises, judged only once everything has returned, because a change may be seen before it
 * has: no look sees what was ended before it began, nor misses what was made before it began.
 */
export function judge(town: Town, looks: readonly Look[]): void {
  for (const look of looks) {
    judgeNumber(town, look)
    judgeStanding(town, look)
    judgeBinding(town, look)
  }
}

function expectSeen<Value>(history: History<Value>, look: Look, value: Value, what: string): void {
  expect(history.seenBetween(look.began, look.ended), what).toContain(value)
}

function judgeNumber(town: Town, look: Look): void {
  const { number } = look.record
  expect(number, 'X is known').toBeDefined()
  if (number === undefined) return
  expectSeen(town.locked, look, number.state === 'locked', 'state of X')
  expectSeen(town.callbackMode, look, number.settings.callbackMode, 'callback mode')
}

function judgeStanding(town: Town, look: Look): void {
  const { number, binding, standing } = look.record
  const [entry, member] = [town.blocked[look.asking], town.members[look.asking]]
  if (entry === undefined || member === undefined) throw new Error('there is no such person')
  const isBlocked = number?.settings.screened === true && standing.blockedByPool
  expectSeen(entry, look, isBlocked, 'on the blacklist')
  if (binding?.callerRole === 'G') expectSeen(member, look, standing.inGroup, 'in the group')
}

function judgeBinding(town: Town, look: Look): void {
  const { binding } = look.record
  const isLive = binding !== undefined && binding.expiresAt > look.latest
  const found = isLive
    ? town.lives.find((life) => life.binding.id === binding.bindingId)
    : undefined
  if (isLive) {
    expect(found, 'what was found is a binding on X').toBeDefined()
    if (found === undefined) return
    expect(found.began, 'found before it was asked for').toBeLessThan(look.ended)
    expect(found.endedAt, 'found after its end').toBeGreaterThan(look.began)
    expect(mayMeet(town, found, look), 'found by whom it is not for').toBe(true)
    expectSeen(found.restriction, look, binding.restriction, 'restriction')
    judgeRole(town, found, look)
  }
  const certain = mustMeet(town, look)
  if (certain !== undefined) {
    expect(binding?.bindingId, 'not found though bound').toBe(certain.binding.id)
  }
}

function judgeRole(town: Town, life: Life, look: Look): void {
  const role = look.record.binding?.callerRole
  const whoWasA = life.a.seenBetween(look.began, look.ended)
  if (role === 'A') expect(whoWasA, 'as A').toContain(look.asking)
  else if (town.product !== 'AXB') {
    expect(
      whoWasA.some((each) => each !== look.asking),
      'as somebody else than A',
    ).toBe(true)
  }
}

const isDialled = (life: Life, look: Look) =>
  look.extension !== undefined && life.binding.extension === look.extension

function mayBe(history: History<number | undefined>, look: Look): boolean {
  return history.seenBetween(look.began, look.ended).includes(look.asking)
}

function mustBe(history: History<number | undefined>, look: Look): boolean {
  return history.seenBetween(look.began, look.ended).every((each) => each === look.asking)
}

function mayMeet(town: Town, life: Life, look: Look): boolean {
  const isParty = mayBe(life.a as History<number | undefined>, look) || mayBe(life.b, look)
  if (town.product === 'AXB') return isParty
  if (town.product !== 'AXN_EXTENSION') return true
  return isDialled(life, look) || mayBe(life.a as History<number | undefined>, look)
}

/** The binding that this look cannot have missed. */
function mustMeet(town: Town, look: Look): Life | undefined {
  const certain = town.lives.filter(
    ({ binding, begun, mayEndAt }) =>
      begun < look.began && mayEndAt > look.ended && binding.expiresAt > look.latest,
  )
  const asA = (life: Life) => mustBe(life.a as History<number | undefined>, look)
  if (town.product === 'AXB') return certain.find((life) => asA(life) || mustBe(life.b, look))
  if (town.product !== 'AXN_EXTENSION') return certain[0]
  const dialled = certain.find((life) => isDialled(life, look))
  if (dialled !== undefined) return dialled
  const mayBeDialled = town.lives.some(
    (life) => isDialled(life, look) && life.began < look.ended && life.endedAt > look.began,
  )
  return mayBeDialled ? undefined : certain.find(asA)
}
