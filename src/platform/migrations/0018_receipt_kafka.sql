-- Up Migration

-- A third way for receipts: into the operator's Kafka. Which types an account wants there, and what
-- became of each receipt.

create table receipt_kafka (
  account_id text not null references account (id),
  message_type receipt_type not null,
  enabled boolean not null default true,
  -- Since when nothing has arrived, what was wrong the last time, and when it is tried again: what
  -- comes later waits behind what failed.
  failing_since timestamptz,
  last_fault text check (length(last_fault) <= 200),
  retry_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (account_id, message_type)
);

-- The same columns as `receipt_to_push`: the log of deliveries reads both.
create table receipt_to_kafka (
  receipt_id bigint primary key references receipt (id) on delete cascade,
  account_id text not null,
  message_type receipt_type not null,
  call_id text,
  state text not null default 'due' check (state in ('due', 'sent', 'dead')),
  due_at timestamptz not null default now(),
  attempts smallint not null default 0,
  -- Kafka's error code.
  last_status integer,
  last_fault text check (length(last_fault) <= 200),
  answered_ms integer,
  tried_at timestamptz
)
with (fillfactor = 70);

create index receipt_to_kafka_due on receipt_to_kafka (account_id, message_type, receipt_id)
 where state = 'due';
create index receipt_to_kafka_by_state on receipt_to_kafka (account_id, message_type, state, receipt_id);
create index receipt_to_kafka_by_account on receipt_to_kafka (account_id, receipt_id);

-- Who sends an account's receipts: one worker at a time, for as long as one batch may take.
create table receipt_kafka_turn (
  account_id text primary key references account (id) on delete cascade,
  holder text not null,
  leased_until timestamptz not null
)
with (fillfactor = 50);
