import type { CallRecord } from './api.ts'
import { everybody, numberOf } from './cast.ts'
import { oneOf, roleOf, type Scene } from './catalog.ts'
import type { Ground } from './story-ground.ts'

/** What is wrong with the records that one call has left, in words. */
export function recordFaults(
  scene: Scene,
  ground: Ground,
  records: readonly CallRecord[],
): string[] {
  const [record, ...others] = records
  if (others.length > 0) return [`${records.length} call records`]
  if (record === undefined) {
    return scene.cause === undefined || scene.recordOptional === true ? [] : ['no call record']
  }
  if (scene.cause === undefined && scene.recordOptional !== true) return ['a call record']
  return [
    ...mismatch('cause', record.releaseReason, oneOf(scene.cause)),
    ...mismatch('release', record.releaseDirection, oneOf(scene.release)),
    ...(record.releaseTime === undefined ? ['the record has no end'] : []),
    ...(record.releaseCause === undefined ? ['the record has no Q.850 cause'] : []),
    ...planFaults(scene, ground, record),
    ...maskFaults(record, ground),
    ...(record.recorded === ground.recorded ? [] : ['recording is not as asked']),
  ]
}

function mismatch(what: string, found: string | undefined, wanted: readonly string[]): string[] {
  if (wanted.length === 0 || (found !== undefined && wanted.includes(found))) return []
  return [`${what} in the record is ${found}, not ${wanted.join(' or ')}`]
}

/** As what the engine knew the call when it decided what to do with it. */
function planFaults(scene: Scene, ground: Ground, record: CallRecord): string[] {
  const { refused } = scene
  const unplanned = refused === undefined && scene.callees.length === 0
  // What was refused for its form, or may have been, was perhaps never looked up.
  if (unplanned || scene.calleeOptional === true) return []
  const role = refused === undefined ? roleOf(ground.product, scene) : refused.role
  const bound = ground[scene.meets ?? 'first']
  return differences(record, {
    product: scene.dials === 'unknown' ? undefined : ground.product,
    callerRole: role,
    bindingId: role === undefined ? undefined : bound,
    extension: scene.extension,
    intercepted: refused !== undefined,
    unconnectedCause: refused?.unconnected ?? 0,
    controlMsg: refused?.control ?? 'OK',
  })
}

type Wanted = { readonly [Name in keyof CallRecord]?: CallRecord[Name] | undefined }

function differences(record: CallRecord, wanted: Wanted): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const found = record[name as keyof CallRecord]
    return found === value ? [] : [`${name} in the record is ${found}, not ${value}`]
  })
}

function maskFaults(record: CallRecord, { cast }: Ground): string[] {
  const text = JSON.stringify(record)
  return everybody.some((who) => text.includes(numberOf(cast, who).slice(3)))
    ? ['the record shows a number']
    : []
}
