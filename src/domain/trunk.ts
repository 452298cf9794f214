import type { TrunkId } from './ids.ts'

/** A carrier's SIP peering: calls come from its addresses, calls to real numbers go out to its host. */
export type Trunk = {
  readonly id: TrunkId
  readonly host: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  /** IP addresses and CIDR blocks that may send us calls. */
  readonly addresses: readonly string[]
  /** Lower is tried first. Undefined: not used for outgoing calls. */
  readonly priority: number | undefined
  /** How numbers are written in the request URI that we send. */
  readonly numberFormat: 'e164-plus' | 'e164' | 'national'
  /** Whether P-Asserted-Identity of this trunk is believed (RFC 3325). */
  readonly trustsIdentity: boolean
  readonly enabled: boolean
  /** How often an outgoing trunk is asked by SIP OPTIONS whether it is there. 0: never. */
  readonly optionsSeconds: number
}
