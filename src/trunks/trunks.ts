import { isIP } from 'node:net'
import { DomainError } from '../domain/errors.ts'
import { type AccountId, parseTrunkId, type TrunkId } from '../domain/ids.ts'
import type { Trunk } from '../domain/trunk.ts'
import { parseAddressBlock } from '../platform/address-block.ts'
import { type Query, type Sql, violatedConstraint } from '../platform/sql.ts'

export type Trunks = {
  /** By name. */
  list(accountId: AccountId): Promise<readonly Trunk[]>
  /** Of all accounts: for the routers. */
  all(): Promise<readonly Trunk[]>
  create(accountId: AccountId, trunk: Trunk): Promise<Trunk>
  get(accountId: AccountId, id: TrunkId): Promise<Trunk>
  /** What is absent stays. */
  change(accountId: AccountId, id: TrunkId, wish: TrunkChange): Promise<Trunk>
  remove(accountId: AccountId, id: TrunkId): Promise<void>
}

export type TrunkChange = {
  readonly priority?: number | 'none' | undefined
  readonly enabled?: boolean | undefined
  readonly optionsSeconds?: number | undefined
}

type TrunkRow = {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly transport: string
  readonly addresses: readonly string[]
  readonly priority: number | null
  readonly number_format: string
  readonly trusts_identity: boolean
  readonly enabled: boolean
  readonly options_seconds: number
}

const columns = `
  id, host, port, transport, addresses, priority, number_format, trusts_identity, enabled,
  options_seconds`

export function createTrunks({ sql }: { sql: Sql }): Trunks {
  async function get(accountId: AccountId, id: TrunkId): Promise<Trunk> {
    const [row] = await sql.rows<TrunkRow>({
      name: 'trunks.get',
      text: `select ${columns} from trunk where id = $1 and account_id = $2`,
      values: [id, accountId],
    })
    if (row === undefined) throw trunkUnknown()
    return trunkFrom(row)
  }

  return {
    async list(accountId) {
      const rows = await sql.rows<TrunkRow>({
        name: 'trunks.list',
        text: `select ${columns} from trunk where account_id = $1 order by id`,
        values: [accountId],
      })
      return rows.map(trunkFrom)
    },
    async all() {
      const rows = await sql.rows<TrunkRow>({
        name: 'trunks.all',
        text: `select ${columns} from trunk order by id`,
        values: [],
      })
      return rows.map(trunkFrom)
    },
    async create(accountId, trunk) {
      const fault = faultOf(trunk)
      if (fault !== undefined) throw illegal(fault)
      return insertTrunk(sql, accountId, trunk)
    },
    get,
    async change(accountId, id, wish) {
      const before = await get(accountId, id)
      const fault = faultOf({ ...before, ...changed(before, wish) })
      if (fault !== undefined) throw illegal(fault)
      const [row] = await sql.rows<TrunkRow>(changeQuery(accountId, id, wish))
      if (row === undefined) throw trunkUnknown()
      return trunkFrom(row)
    },
    async remove(accountId, id) {
      const rows = await sql.rows({
        name: 'trunks.remove',
        text: 'delete from trunk where id = $1 and account_id = $2 returning 1',
        values: [id, accountId],
      })
      if (rows.length === 0) throw trunkUnknown()
    },
  }
}

const changed = (before: Trunk, { priority, optionsSeconds }: TrunkChange) => ({
  priority: priority === 'none' ? undefined : (priority ?? before.priority),
  optionsSeconds: optionsSeconds ?? before.optionsSeconds,
})

function changeQuery(accountId: AccountId, id: TrunkId, wish: TrunkChange): Query {
  const { priority, enabled, optionsSeconds } = wish
  return {
    name: 'trunks.change',
    text: `
      update trunk
         set priority = case when $3 then null else coalesce($4, priority) end,
             enabled = coalesce($5, enabled), options_seconds = coalesce($6, options_seconds)
       where id = $1 and account_id = $2
      returning ${columns}`,
    values: [
      ...[id, accountId, priority === 'none', priority === 'none' ? undefined : priority],
      ...[enabled, optionsSeconds],
    ],
  }
}

async function insertTrunk(sql: Sql, accountId: AccountId, trunk: Trunk): Promise<Trunk> {
  try {
    const [row] = await sql.rows<TrunkRow>({
      name: 'trunks.create',
      text: `
        insert into trunk (id, account_id, host, port, transport, addresses, priority,
                           number_format, trusts_identity, enabled, options_seconds)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        returning ${columns}`,
      values: [
        trunk.id,
        accountId,
        trunk.host,
        trunk.port,
        trunk.transport,
        trunk.addresses,
        trunk.priority,
        trunk.numberFormat,
        trunk.trustsIdentity,
        trunk.enabled,
        trunk.optionsSeconds,
      ],
    })
    if (row === undefined) throw new Error('insert returned nothing')
    return trunkFrom(row)
  } catch (err) {
    if (violatedConstraint(err) !== 'trunk_pkey') throw err
    throw trunkExists(err)
  }
}

/** A host goes into a SIP URI: letters of a name or an address, nothing that could end it. */
const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/

function faultOf(trunk: Trunk): string | undefined {
  if (parseTrunkId(trunk.id) === undefined) {
    return 'The name of a trunk has 1 to 32 lower-case letters, digits and hyphens, and begins with a letter or digit.'
  }
  if (isIP(trunk.host) === 0 && !hostPattern.test(trunk.host)) {
    return 'The host must be a host name or an IP address.'
  }
  if (!Number.isInteger(trunk.port) || trunk.port < 1 || trunk.port > 65_535) {
    return 'The port is 1 to 65535.'
  }
  if (trunk.addresses.length > 256) return 'A trunk has at most 256 addresses.'
  if (trunk.addresses.some((each) => parseAddressBlock(each) === undefined)) {
    return 'Addresses are IP addresses or CIDR blocks such as 192.0.2.0/24.'
  }
  const { priority } = trunk
  if (priority !== undefined && (!Number.isInteger(priority) || priority < 0 || priority > 1000)) {
    return 'The priority is 0 to 1000.'
  }
  return optionsFault(trunk.optionsSeconds)
}

function optionsFault(seconds: number): string | undefined {
  const isUsable = seconds === 0 || (Number.isInteger(seconds) && seconds >= 5 && seconds <= 3600)
  return isUsable ? undefined : 'OPTIONS are sent every 5 to 3600 seconds, or with 0 never.'
}

function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}

const trunkExists = (cause: unknown) =>
  new DomainError('trunk-exists', 409, 'There is already a trunk of this name.', { cause })

const trunkUnknown = () => new DomainError('trunk-unknown', 404, 'There is no trunk of this name.')

function trunkFrom(row: TrunkRow): Trunk {
  return {
    id: row.id as TrunkId,
    host: row.host,
    port: row.port,
    transport: row.transport as Trunk['transport'],
    addresses: row.addresses,
    priority: row.priority ?? undefined,
    numberFormat: row.number_format as Trunk['numberFormat'],
    trustsIdentity: row.trusts_identity,
    enabled: row.enabled,
    optionsSeconds: row.options_seconds,
  }
}
