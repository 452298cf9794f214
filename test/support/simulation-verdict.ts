import type { Simulated } from './api.ts'
import { type Cast, parts } from './cast.ts'
import { oneOf, roleOf, type Scene } from './catalog.ts'
import type { Ground } from './story-ground.ts'

/**
 * Whether a simulation made after the call must say what has become of it: not when the call's own
 * form decided, nor when something has changed meanwhile.
 */
export function canBeSimulated(scene: Scene): boolean {
  const isOrdinary = scene.source === undefined && scene.calleeOptional !== true
  const isDecided = scene.refused !== undefined || scene.callees.length > 0
  return (
    isOrdinary && isDecided && scene.duringCall === undefined && scene.secondsToExpiry === undefined
  )
}

export function simulationOf(scene: Scene, cast: Cast) {
  const { caller, x } = parts(scene, cast)
  const withheld = scene.caller.startsWith('uac/anonymous')
  return {
    x,
    ...(withheld ? {} : { caller }),
    ...(scene.extension === undefined ? {} : { extension: scene.extension }),
  }
}

/** What the simulation says otherwise than the call has shown, in words. */
export function simulationFaults(scene: Scene, ground: Ground, found: Simulated): string[] {
  const { refused } = scene
  const role = refused === undefined ? roleOf(ground.product, scene) : refused.role
  const differ = (what: string, is: unknown, wanted: unknown) =>
    is === wanted
      ? []
      : [`simulation: ${what} is ${is}, not ${wanted}: ${found.reasons.join('; ')}`]
  return [
    ...differ('connects', found.decision === 'connect', refused === undefined),
    ...differ('callerRole', found.callerRole, role),
    ...differ(
      'bindingId',
      found.bindingId,
      role === undefined ? undefined : ground[scene.meets ?? 'first'],
    ),
    ...(refused === undefined
      ? []
      : [
          ...differ('reason', found.hears?.reason, oneOf(scene.cause)[0]),
          ...differ('sipStatus', found.hears?.sipStatus, oneOf(scene.status)[0]),
          ...differ('unconnectedCause', found.hears?.unconnectedCause, refused.unconnected),
          ...differ('controlMsg', found.hears?.controlMsg, refused.control),
        ]),
  ]
}
