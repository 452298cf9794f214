-- Up Migration

-- Alarms are events that customers can be told, and what routers see of the parts around them.

alter domain receipt_type drop constraint receipt_type_check;
alter domain receipt_type add constraint receipt_type_check check (value in (
  'SecretStartReport', 'SecretRingReport', 'SecretPickUpReport', 'SecretReport', 'SecretRecording',
  'SecretAsrReport', 'SecretSmsIntercept', 'SecretBillingCallReport', 'SecretBillingSmsReport',
  'SecretExceptionPhoneReport', 'NumberManagementReport', 'AlarmReport'));

-- How often an outgoing trunk is asked by SIP OPTIONS whether it is there. 0: never.
alter table trunk
  add column options_seconds integer not null default 30
    constraint trunk_options_seconds check (options_seconds = 0 or options_seconds between 5 and 3600);

alter table alarm
  -- What is told besides: `detail` (a sentence), `routers` and `routersInAll`, `numbers`,
  -- `numberCount`, `certifiedUntil`. Shows no real number.
  add column facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
  -- Over only in that nobody is there any more who could tell.
  add column unwatched boolean not null default false;

create index alarm_open on alarm (kind, subject) where cleared_at is null;

-- A worker that died between resuming a push and clearing its alarm has left it open.
update alarm a set cleared_at = now()
 where kind = 'push-failing' and cleared_at is null
   and not exists (select 1 from receipt_push p where p.account_id = a.account_id
                      and p.message_type = a.subject and p.paused_at is not null);

-- Whoever raises an alarm, makes it worse or clears it, by whatever way: its account is told.
create function tell_alarm() returns trigger language plpgsql as $$
declare
  became text := case when tg_op = 'INSERT' then 'raised'
                      when new.cleared_at is null then 'worse'
                      else 'cleared' end;
begin
  insert into receipt_source (account_id, message_type, event_id, pool_key, body, happened_at)
  values (new.account_id, 'AlarmReport',
          'alarm:' || new.id || ':' || became || case became when 'worse' then ':' || new.threshold
                                                             else '' end,
          new.pool_key,
          new.facts || jsonb_strip_nulls(jsonb_build_object(
            'alarm', new.id::text, 'kind', new.kind, 'became', became,
            'subject', coalesce(new.subject, new.pool_key), 'percent', new.percent,
            'threshold', new.threshold, 'raisedAt', new.raised_at, 'clearedAt', new.cleared_at,
            'unwatched', new.unwatched)),
          case became when 'raised' then new.raised_at when 'cleared' then new.cleared_at
                      else now() end);
  return null;
end
$$;

create trigger alarm_raised after insert on alarm
  for each row when (new.cleared_at is null) execute function tell_alarm();
create trigger alarm_cleared after update of cleared_at on alarm
  for each row when (old.cleared_at is null and new.cleared_at is not null)
  execute function tell_alarm();
create trigger alarm_worse after update of threshold on alarm
  for each row when (new.cleared_at is null and new.threshold < old.threshold)
  execute function tell_alarm();

-- A router that tells what it sees. `beats` counts how often it did: who does not count on is gone.
create table sighting_reporter (
  reporter text primary key check (length(reporter) between 1 and 200),
  beats bigint not null,
  seen_at timestamptz not null
)
with (fillfactor = 50);

-- What a router sees of a trunk, a media host, its own journal.
create table sighting (
  reporter text not null references sighting_reporter (reporter) on delete cascade,
  kind text not null check (kind in ('trunk-down', 'media-host-down', 'journal-filling')),
  subject text not null check (length(subject) between 1 and 200),
  -- unknown: this router cannot say; it neither raises an alarm nor lets one be over.
  state text not null check (state in ('well', 'ill', 'unknown')),
  percent numeric(5, 2) check (percent between 0 and 100),
  detail text not null check (length(detail) <= 300),
  primary key (kind, subject, reporter)
)
with (fillfactor = 50);

create index sighting_by_reporter on sighting (reporter);

-- Certifications that have run out, for the alarm about them.
create index certifier_run_out on certifier (certified_until)
 where certified_at is null and certified_until is not null and removed_at is null;
