-- Up Migration

-- Numbers that went from one pool to another, and who stands for a number with name and document.

create sequence number_migration_serial as bigint start 1000000001;

-- One run. Pools as they were called then: they may be renamed, and what is billed looks back here.
create table number_migration (
  id bigint primary key default nextval('number_migration_serial'),
  account_id text not null references account (id),
  from_pool text not null,
  from_pool_name text not null,
  to_pool text not null,
  to_pool_name text not null,
  product text not null,
  selected_by text not null check (selected_by in ('count', 'list')),
  -- Null: of any city.
  city text check (length(city) between 1 and 32),
  asked integer not null check (asked between 1 and 1000),
  succeeded integer not null,
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  request_hash text not null,
  created_at timestamptz not null,
  check (from_pool <> to_pool),
  check (succeeded between 0 and asked),
  check (selected_by = 'count' or city is null),
  constraint number_migration_key_once unique (account_id, idempotency_key)
);

create index number_migration_by_account on number_migration (account_id, id);
create index number_migration_by_from_pool on number_migration (from_pool, id);
create index number_migration_by_to_pool on number_migration (to_pool, id);

-- What became of each X of a run. The rent of the month in which it moved is the old pool's.
create table number_move (
  migration_id bigint not null references number_migration (id),
  -- Place in the run, from 1.
  place integer not null,
  x text not null,
  city text,
  outcome text not null
    check (outcome in ('moved', 'bound', 'frozen', 'faulty', 'not-in-pool', 'unknown')),
  primary key (migration_id, place),
  unique (migration_id, x)
);

create index number_move_by_x on number_move (x, migration_id);

create sequence certifier_serial as bigint start 1000000001;

-- A person who stands for numbers. The phone is found and shown as any real number.
create table certifier (
  id bigint primary key default nextval('certifier_serial'),
  account_id text not null references account (id),
  phone_sealed text not null,
  phone_index text not null,
  remark text check (length(remark) between 1 and 50),
  -- Null: the numbers were given one by one.
  pool_key text,
  -- How many it was made for.
  numbers integer not null check (numbers > 0),
  -- The link behind the QR code: SHA-256 of its token.
  link_hash text unique,
  link_expires_at timestamptz,
  -- Given to the provider with what came over this link, so that sent twice is one check.
  link_request text,
  -- How often somebody who held the link did not know the phone.
  link_tries smallint not null default 0 check (link_tries between 0 and 5),
  -- How far the check over the newest link has come.
  check_state text not null default 'waiting'
    check (check_state in ('waiting', 'submitted', 'approved', 'refused')),
  reference text,
  refusal text check (length(refusal) between 1 and 200),
  submitted_at timestamptz,
  decided_at timestamptz,
  -- The certification that stands, whatever a newer check says. Until null: without end. At null
  -- with until: it has run out.
  certified_at timestamptz,
  certified_until timestamptz,
  removed_at timestamptz,
  -- number.certified of its numbers has not been brought up to date yet.
  unapplied boolean not null default false,
  created_at timestamptz not null,
  constraint certifier_pool foreign key (pool_key, account_id) references pool (key, account_id),
  check ((link_hash is null) = (link_expires_at is null)),
  check (check_state <> 'submitted' or (reference is not null and submitted_at is not null))
);

create index certifier_by_account on certifier (account_id, id);
create index certifier_by_phone on certifier (phone_index, id);
create index certifier_unapplied on certifier (id) where unapplied;
create index certifier_submitted on certifier (id) where check_state = 'submitted';
create unique index certifier_by_reference on certifier (reference);
create index certifier_until on certifier (certified_until) where certified_at is not null;

-- A number that is given back drops out.
create table certifier_number (
  certifier_id bigint not null references certifier (id) on delete cascade,
  x text not null references number (x) on delete cascade,
  primary key (certifier_id, x)
);

create index certifier_number_by_x on certifier_number (x, certifier_id);

create sequence certification_review_serial as bigint start 1000000001;

-- The manual-review provider's own. Name and document go when the decision is made.
create table certification_review (
  id bigint primary key default nextval('certification_review_serial'),
  -- From who asks: the same request is the same review.
  request text not null constraint certification_review_once unique,
  account_id text not null,
  phone_sealed text,
  name_sealed text,
  document_sealed text,
  numbers integer not null check (numbers > 0),
  state text not null default 'pending' check (state in ('pending', 'approved', 'refused')),
  reason text check (length(reason) between 1 and 200),
  valid_until timestamptz,
  created_at timestamptz not null,
  decided_at timestamptz,
  check ((state = 'pending') = (decided_at is null)),
  check (state = 'pending' or (phone_sealed is null and name_sealed is null and document_sealed is null)),
  check (state <> 'refused' or reason is not null)
);

create index certification_review_by_state on certification_review (state, id);
