-- Up Migration

-- What pools hold besides numbers, how a change of theirs reaches the calls, and alarms.

alter table pool
  add column group_count integer not null default 0
    constraint pool_groups_max check (group_count between 0 and 2000),
  add column blocked_callers integer not null default 0
    constraint pool_blocked_callers_max check (blocked_callers between 0 and 100000),
  add column blocked_pairs integer not null default 0
    constraint pool_blocked_pairs_max check (blocked_pairs between 0 and 100000),
  -- Of the request that made it. A pool cannot be removed, so one that was made twice would stay.
  add column idempotency_key text check (length(idempotency_key) between 1 and 255),
  add column request_hash text,
  add constraint pool_key_once unique (account_id, idempotency_key);

-- Which change it is that numbers are being told of: a later one starts from the first number
-- again, and whoever walks for the earlier one must not take its row away.
alter table pool_refresh
  add column generation bigint not null default nextval('route_version');

create index pool_refresh_touched on pool_refresh (touched_at);

-- For statements that lock X and then tell the cache what the pool says. Volatile, so that it reads
-- with a snapshot of its own: a statement that waited for the lock gets a version of X that is newer
-- than a refresh of the pool, and must not tell what the pool said when the statement began.
create function pool_settings_now(wanted text) returns json language sql volatile as $$
  select pool_settings(p) from pool p where p.key = wanted
$$;

alter table blocked_caller add column id bigint not null generated always as identity;
create unique index blocked_caller_in_order on blocked_caller (pool_key, id);

alter table blocked_pair add column id bigint not null generated always as identity;
create unique index blocked_pair_in_order on blocked_pair (pool_key, id);

-- In the order in which they came; the blind index would be an order that says something.
alter table group_member add column id bigint not null generated always as identity;
create unique index group_member_in_order on group_member (group_id, id);

alter table number_group
  add constraint number_group_members_max check (members <= 10000),
  add column idempotency_key text check (length(idempotency_key) between 1 and 255),
  -- Of the request with its numbers replaced by their blind indexes.
  add column request_hash text,
  add constraint number_group_key_once unique (pool_key, idempotency_key);

create sequence alarm_serial as bigint start 1000000001;

-- Something that a human should look at. Open until it is over.
create table alarm (
  id bigint primary key default nextval('alarm_serial'),
  account_id text not null references account (id),
  kind text not null check (kind in ('pool-utilisation')),
  pool_key text not null references pool (key),
  -- Bound of what can be bound, when it was raised, and from how much on the pool warns.
  percent numeric(5, 2) not null check (percent between 0 and 100),
  threshold smallint not null,
  raised_at timestamptz not null default now(),
  cleared_at timestamptz
);

create unique index alarm_open_once on alarm (kind, pool_key) where cleared_at is null;
create index alarm_by_account on alarm (account_id, id);
create index alarm_by_pool on alarm (pool_key, id);
