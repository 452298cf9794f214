-- Up Migration

-- Real numbers (A, B) are stored twice: `*_sealed` can be opened with the key, `*_index` is the
-- keyed blind index by which they are found. X is shown to everybody and stands in clear, E.164
-- with plus.

create table account (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
  name text not null check (length(name) between 1 and 64),
  created_at timestamptz not null default now()
);

insert into account (id, name) values ('main', 'Main account');

create sequence pool_serial as bigint start 100000000000001;
-- 16 digits, and below 2^53 so that a client may read it as a number.
create sequence binding_serial as bigint start 1000000000000001 maxvalue 9007199254740991;
-- Taken under the row lock of X, so that the versions of one X only grow, also when it is removed
-- and added again.
create sequence route_version as bigint;

create table pool (
  key text primary key default 'FC' || nextval('pool_serial') check (key ~ '^FC[0-9]{15}$'),
  account_id text not null references account (id),
  name text not null check (length(name) between 1 and 16),
  product text not null check (product in ('AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG', 'X_MODE')),
  -- What its bindings do unless they say otherwise.
  ringback text check (ringback ~ '^[0-9A-Za-z_-]{1,32}$'),
  recording boolean not null default false,
  ring_seconds_max integer not null default 60 check (ring_seconds_max between 5 and 180),
  talk_seconds_max integer not null default 14400 check (talk_seconds_max between 60 and 86400),
  -- Positions given to numbers so far: see number.position.
  positions integer not null default 0 check (positions >= 0),
  created_at timestamptz not null default now(),
  unique (key, account_id)
);

create index pool_by_account on pool (account_id, key);

create table number (
  x text primary key check (x ~ '^\+[1-9][0-9]{4,14}$'),
  -- Blind index of X as if it were a real number: a party must not be an X.
  x_index text not null unique,
  account_id text not null,
  pool_key text not null,
  city text check (length(city) between 1 and 32),
  state text not null default 'normal' check (state in ('normal', 'locked', 'frozen')),
  -- Dense within the pool: allocation starts from a random one and walks up.
  position integer not null,
  -- Bindings that hold legs here: the live ones, and the expired ones that nobody has swept yet.
  bound integer not null default 0 constraint number_capacity check (bound between 0 and 200),
  version bigint not null default nextval('route_version'),
  created_at timestamptz not null default now(),
  foreign key (pool_key, account_id) references pool (key, account_id),
  unique (pool_key, position)
)
-- Every bind and unbind updates the row: room for it on the same page keeps the indexes out of it.
with (fillfactor = 70);

create index number_by_account on number (account_id, x);

-- The history: a binding stays after its end. What is live is told by binding_leg.
create table binding (
  id bigint primary key default nextval('binding_serial'),
  -- No foreign keys to pool and number: a binding outlives its X, and the key share locks of a
  -- thousand binders a second would meet on one pool row.
  account_id text not null,
  pool_key text not null,
  x text not null,
  product text not null,
  a_sealed text not null,
  a_index text not null,
  b_sealed text,
  b_index text,
  -- Live until this second.
  expires_at timestamptz(0) not null,
  -- Null: what the pool says.
  recording boolean,
  ringback text check (ringback ~ '^[0-9A-Za-z_-]{1,32}$'),
  ring_seconds_max integer check (ring_seconds_max between 5 and 180),
  talk_seconds_max integer check (talk_seconds_max between 60 and 86400),
  restriction text check (restriction in ('AX', 'BX')),
  out_id text check (length(out_id) between 1 and 128),
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  end_reason text check (end_reason in ('unbound', 'expired')),
  constraint binding_parties_differ check (a_index <> b_index),
  constraint binding_has_b check (product <> 'AXB' or (b_sealed is not null and b_index is not null)),
  constraint binding_expires_later check (expires_at > created_at),
  check ((ended_at is null) = (end_reason is null))
)
with (fillfactor = 90);

create index binding_by_account on binding (account_id, id);
create index binding_by_pool on binding (pool_key, id);
create index binding_by_x on binding (x, id);
create index binding_by_a on binding (a_index, id);
create index binding_by_b on binding (b_index, id) where b_index is not null;
create index binding_by_out_id on binding (account_id, out_id, id) where out_id is not null;
create index binding_to_expire on binding (expires_at) where ended_at is null;

-- Who may call X, while the binding lives. The primary key is the conflict rule: one live leg per
-- X and party. The foreign key to number is the rule that a bound X is not removed.
create table binding_leg (
  x text not null references number (x),
  party text not null,
  binding_id bigint not null references binding (id) on delete cascade,
  role text not null check (role in ('A', 'B')),
  expires_at timestamptz(0) not null,
  constraint binding_leg_one_per_party primary key (x, party),
  constraint binding_leg_role unique (binding_id, role)
);

create index binding_leg_by_party on binding_leg (party, x);

-- One row per change of what a call to X may see, written in the transaction of the change:
-- the cache is made true from it. Kept for a while after it was drained, to be replayed to a
-- Redis that has lost its tail.
create table invalidation (
  id bigint generated always as identity primary key,
  x text not null,
  version bigint not null,
  -- Empty: only X's own record changed.
  parties text[] not null,
  created_at timestamptz not null default clock_timestamp(),
  drained_at timestamptz
);

create index invalidation_undrained on invalidation (created_at) where drained_at is null;
create index invalidation_drained on invalidation (drained_at) where drained_at is not null;

create table idempotency_key (
  account_id text not null,
  key text not null check (length(key) between 1 and 255),
  -- Of the request with its numbers replaced by their blind indexes.
  request_hash text not null,
  -- The binding, not its numbers: the answer is made again from it.
  binding_id bigint not null,
  created_at timestamptz not null default now(),
  constraint idempotency_key_once primary key (account_id, key)
);

create index idempotency_key_age on idempotency_key (created_at);

create table trunk (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
  account_id text not null references account (id),
  host text not null check (length(host) between 1 and 253),
  port integer not null check (port between 1 and 65535),
  transport text not null check (transport in ('udp', 'tcp')),
  addresses text[] not null check (cardinality(addresses) <= 256),
  priority integer check (priority between 0 and 1000),
  number_format text not null check (number_format in ('e164-plus', 'e164', 'national')),
  trusts_identity boolean not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);
