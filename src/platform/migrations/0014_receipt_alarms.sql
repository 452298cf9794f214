-- Up Migration

-- Pushing receipts to the URLs of customers, and alarms about other things than pools.

alter table receipt_push
  -- Signs too, until then: a receiver that was given a new secret has time to take it.
  add column old_secret_sealed text,
  add column old_secret_until timestamptz,
  -- A paused URL is tried with one batch at this time.
  add column probe_at timestamptz,
  -- Whose server it is: the receipts of a call reach one server in order, whatever their types.
  add column origin text not null generated always as (substring(url from '^[a-z]+://[^/?#]+')) stored;

-- Who sends which part of an account's receipts of one type: one worker at a time, for as long as
-- one batch may take.
create table receipt_push_lane (
  account_id text not null,
  message_type receipt_type not null,
  lane smallint not null,
  holder text not null,
  leased_until timestamptz not null,
  primary key (account_id, message_type, lane),
  foreign key (account_id, message_type) references receipt_push (account_id, message_type)
    on delete cascade
)
with (fillfactor = 50);

-- The receipts of a call are always in the same lane; those that come from no call are all in one.
create function receipt_lane(call_id text, lanes integer) returns integer
language sql immutable parallel safe as $$
  select case when call_id is null then 0
              else ((hashtextextended(call_id, 0) & 1073741823) % lanes)::integer end
$$;

-- What an earlier receipt of the same call holds up.
create index receipt_to_push_of_call on receipt_to_push (account_id, call_id, receipt_id)
 where state = 'due' and call_id is not null;
create index receipt_to_push_by_account on receipt_to_push (account_id, receipt_id);

alter table alarm
  drop constraint alarm_kind_check,
  add constraint alarm_kind_check check (kind in (
    'pool-utilisation', 'push-failing', 'trunk-down', 'media-host-down', 'journal-filling',
    'certification-expiring')),
  alter column pool_key drop not null,
  alter column percent drop not null,
  alter column threshold drop not null,
  -- What it is about when that is no pool: a message type, a trunk, a host, ...
  add column subject text check (length(subject) between 1 and 200),
  add constraint alarm_has_subject check (
    case when kind = 'pool-utilisation'
         then pool_key is not null and percent is not null and threshold is not null
         else subject is not null end);

create unique index alarm_subject_open_once on alarm (account_id, kind, subject)
 where cleared_at is null and subject is not null;
