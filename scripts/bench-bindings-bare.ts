import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { WriteTask } from './bench-bindings-client.ts'
import { xAt } from './bench-people.ts'
import { runHelper, timed } from './bench-process.ts'

export type BareSetup = {
  readonly databaseUrl: string
  readonly numbers: number
  /** As many as the engine has. */
  readonly connections: number
  readonly inFlight: number
}

const schema = `
create schema bare;
create sequence bare.serial as bigint;
create table bare.binding (
  id bigint primary key default nextval('bare.serial'), x text not null,
  a_sealed text not null, a_index text not null, b_sealed text not null, b_index text not null,
  expires_at timestamptz not null, created_at timestamptz not null default now(),
  ended_at timestamptz);
create index on bare.binding (x);
create index on bare.binding (a_index);
create index on bare.binding (b_index);
create table bare.leg (
  x text not null, party text not null, binding_id bigint not null, role text not null,
  expires_at timestamptz not null, primary key (x, party));
create index on bare.leg (binding_id);
create index on bare.leg (expires_at);
create table bare.number (
  x text primary key, bound integer not null default 0 check (bound between 0 and 200),
  version bigint not null default 1) with (fillfactor = 70);
create table bare.invalidation (
  id bigint generated always as identity primary key, x text not null, version bigint not null,
  parties text[] not null)`

type Given = {
  readonly x: string
  readonly a: readonly [sealed: string, index: string]
  readonly b: readonly [sealed: string, index: string]
  readonly expiresAt: Date
}

type Bound = { readonly id: string; readonly x: string; readonly parties: readonly string[] }

/** Made before the clock starts; as long as sealed numbers and their indexes are. */
function partiesOf(numbers: readonly string[]): Given {
  const side = () =>
    [
      `test.${randomBytes(42).toString('base64url')}`,
      randomBytes(16).toString('base64url'),
    ] as const
  return {
    x: numbers[Math.floor(Math.random() * numbers.length)] ?? '',
    a: side(),
    b: side(),
    expiresAt: new Date(Date.now() + 24 * 3_600_000),
  }
}

async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  await client.query('begin')
  const result = await work(client)
  await client.query('commit')
  client.release()
  return result
}

async function bind(client: pg.PoolClient, given: Given): Promise<Bound> {
  const { x, a, b, expiresAt } = given
  const parties = [a[1], b[1]]
  const { rows } = await client.query<{ id: string }>({
    name: 'binding',
    text: `insert into bare.binding (x, a_sealed, a_index, b_sealed, b_index, expires_at)
           values ($1, $2, $3, $4, $5, $6) returning id`,
    values: [x, ...a, ...b, expiresAt],
  })
  const id = rows[0]?.id ?? ''
  await client.query({
    name: 'legs',
    text: `insert into bare.leg (x, party, binding_id, role, expires_at)
           values ($1, $2, $4, 'A', $5), ($1, $3, $4, 'B', $5)`,
    values: [x, ...parties, id, expiresAt],
  })
  await count(client, { x, by: 1, parties })
  return { id, x, parties }
}

async function unbind(client: pg.PoolClient, { id, x, parties }: Bound): Promise<void> {
  await client.query({
    name: 'end',
    text: 'update bare.binding set ended_at = now() where id = $1 and ended_at is null',
    values: [id],
  })
  await client.query({
    name: 'legs-away',
    text: 'delete from bare.leg where binding_id = $1',
    values: [id],
  })
  await count(client, { x, by: -1, parties })
}

async function count(
  client: pg.PoolClient,
  { x, by, parties }: { x: string; by: number; parties: readonly string[] },
): Promise<void> {
  const { rows } = await client.query<{ version: string }>({
    name: 'number',
    text: `update bare.number set bound = bound + $2, version = version + 1
            where x = $1 returning version`,
    values: [x, by],
  })
  await client.query({
    name: 'invalidation',
    text: 'insert into bare.invalidation (x, version, parties) values ($1, $2, $3)',
    values: [x, rows[0]?.version, parties],
  })
}

/**
 * The least that must be on disk when a bind has been answered, whoever wrote the program: the
 * binding, which is found by X, by A and by B; a row per party that can be told apart on X, unique,
 * found by binding and by expiry; X's count, which must not pass 200, with a version for the cache;
 * and that the cache has to hear of it. An unbind: the end of the binding, the two rows away, count
 * and version, word for the cache. One transaction each with node-postgres and prepared statements,
 * on tables without any column or index more.
 *
 * Left out, though the engine must do it: choosing X, looking whether A or B is an X, idempotency
 * keys, the audit log, marking the word to the cache as heard, the pool's settings, Redis, HTTP,
 * sealing.
 */
runHelper<BareSetup, WriteTask, number>(async (setup) => {
  const pool = new pg.Pool({
    connectionString: setup.databaseUrl,
    max: setup.connections,
    options: '-c plan_cache_mode=force_generic_plan',
  })
  await pool.query(schema)
  const numbers = Array.from({ length: setup.numbers }, (_, at) => xAt(at))
  await pool.query('insert into bare.number (x) select unnest($1::text[])', [numbers])
  await pool.query('analyze bare.number')
  let bound: Bound[] = []

  return {
    async do(task) {
      const ended = bound
      bound = []
      const jobs =
        task.do === 'bind'
          ? Array.from({ length: task.count }, () => partiesOf(numbers)).map(
              (given) => async () => {
                bound.push(await inTransaction(pool, (client) => bind(client, given)))
              },
            )
          : ended.map((each) => () => inTransaction(pool, (client) => unbind(client, each)))
      return timed(jobs, setup.inFlight)
    },
    close: () => pool.end(),
  }
})
