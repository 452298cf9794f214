-- Up Migration

-- What customers are told, and where: queues that they pull from, and URLs that we push to.

create domain receipt_type as text check (value in (
  'SecretStartReport', 'SecretRingReport', 'SecretPickUpReport', 'SecretReport', 'SecretRecording',
  'SecretAsrReport', 'SecretSmsIntercept', 'SecretBillingCallReport', 'SecretBillingSmsReport',
  'SecretExceptionPhoneReport', 'NumberManagementReport'));

create table receipt_queue (
  name text primary key check (name ~ '^[0-9A-Za-z][0-9A-Za-z-]{0,119}$'),
  account_id text not null references account (id),
  message_type receipt_type not null,
  -- Takes what comes from pools that no other queue of the type is tied to.
  is_default boolean not null,
  enabled boolean not null default true,
  visibility_seconds integer not null default 30 check (visibility_seconds between 1 and 43200),
  retention_seconds integer not null default 259200
    check (retention_seconds between 60 and 1296000),
  created_at timestamptz not null default now(),
  unique (name, account_id, message_type)
);

create unique index receipt_queue_default on receipt_queue (account_id, message_type)
 where is_default;
create index receipt_queue_by_account on receipt_queue (account_id, name);

-- A pool's receipts of one type go to one queue.
create table receipt_queue_pool (
  message_type receipt_type not null,
  pool_key text not null references pool (key),
  queue_name text not null references receipt_queue (name) on delete cascade,
  primary key (message_type, pool_key)
);

create index receipt_queue_pool_by_queue on receipt_queue_pool (queue_name);

create table receipt_push (
  account_id text not null references account (id),
  message_type receipt_type not null,
  url text not null check (length(url) between 8 and 2048),
  -- Signs what is pushed.
  secret_sealed text not null,
  enabled boolean not null default true,
  timeout_ms integer not null default 3000 check (timeout_ms between 100 and 30000),
  batch_max integer not null default 10 check (batch_max between 1 and 100),
  concurrency integer not null default 4 check (concurrency between 1 and 32),
  -- Since when every push has failed; paused after a while, and tried now and then.
  failing_since timestamptz,
  paused_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (account_id, message_type)
);

-- One for each event that somebody wants to hear of. The body holds real numbers: sealed.
create table receipt (
  id bigint primary key generated always as identity,
  account_id text not null,
  message_type receipt_type not null,
  event_id text not null check (length(event_id) between 1 and 200),
  -- 0: an end that was written for a router that is lost; 1: all that routers tell themselves.
  revision smallint not null check (revision in (0, 1)),
  call_id text,
  pool_key text,
  body_sealed text not null,
  happened_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint receipt_once unique (event_id, message_type, revision)
);

create index receipt_by_account on receipt (account_id, id);
create index receipt_by_age on receipt (created_at);

create table receipt_in_queue (
  queue_name text not null references receipt_queue (name) on delete cascade,
  receipt_id bigint not null references receipt (id) on delete cascade,
  visible_at timestamptz not null default now(),
  -- Counts from here how long it is kept: one that is put in again is kept anew.
  queued_at timestamptz not null default now(),
  dequeued integer not null default 0,
  first_dequeued_at timestamptz,
  primary key (queue_name, receipt_id)
)
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- No index on `visible_at`: without one a delivery updates in place, and messages are taken in the
-- order of the primary key, past the few that are under way. This one must not offer an order: a
-- reader of an empty queue would be led through all the others.
create index receipt_in_queue_by_receipt on receipt_in_queue using hash (receipt_id);

create table receipt_to_push (
  receipt_id bigint primary key references receipt (id) on delete cascade,
  account_id text not null,
  message_type receipt_type not null,
  call_id text,
  state text not null default 'due' check (state in ('due', 'sent', 'dead')),
  due_at timestamptz not null default now(),
  attempts smallint not null default 0,
  last_status integer,
  last_fault text check (length(last_fault) <= 200),
  answered_ms integer,
  tried_at timestamptz
)
with (fillfactor = 70);

create index receipt_to_push_due on receipt_to_push (account_id, message_type, receipt_id)
 where state = 'due';
create index receipt_to_push_by_state on receipt_to_push (account_id, message_type, state, receipt_id);

-- Receipts that do not come from calls, written in the transaction of what they tell of.
create table receipt_source (
  id bigint primary key generated always as identity,
  account_id text not null,
  message_type receipt_type not null,
  event_id text not null unique,
  pool_key text,
  -- Shows no real number; what does is sealed by whoever writes it.
  body jsonb not null,
  happened_at timestamptz not null default now()
);
