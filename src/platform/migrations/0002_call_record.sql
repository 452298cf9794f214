-- Up Migration

-- One row per call, made from its events in whatever order they come. Partitioned by the month in
-- which the caller dialled, Beijing time, as the statistics and bills are.
create table call_record (
  call_id text not null check (length(call_id) between 1 and 100),
  call_time timestamptz not null,
  router_id text not null,
  -- Null when X is not ours: then only the operator sees the call. No foreign keys: a record
  -- outlives what it speaks of.
  account_id text,
  pool_key text,
  product text,
  binding_id bigint,
  x text not null,
  city text,
  -- As everywhere, real numbers are stored twice: sealed, and as their blind index.
  caller_sealed text,
  caller_index text,
  callee_sealed text,
  callee_index text,
  caller_role text check (caller_role in ('A', 'B')),
  intercepted boolean not null,
  unconnected_cause smallint not null,
  control_msg text not null,
  out_id text,
  trunk_in text not null,
  trunk_out text,
  call_out_time timestamptz,
  ring_time timestamptz,
  start_time timestamptz,
  release_time timestamptz,
  release_direction smallint,
  release_cause smallint,
  release_reason text,
  recording text,
  -- Null until the event is here.
  start_event_id text,
  end_event_id text,
  -- How far the event went that the row's facts are from: 1 start, 2 ring, 3 answer, 4 an end that
  -- was written for a router that was lost, 5 the end.
  stage smallint not null check (stage between 1 and 5),
  recorded_at timestamptz not null default now(),
  primary key (call_id, call_time)
) partition by range (call_time);

create index call_record_by_time on call_record (call_time, call_id);
create index call_record_by_account on call_record (account_id, call_time, call_id);
create index call_record_by_x on call_record (x, call_time, call_id);
create index call_record_by_binding on call_record (binding_id, call_time) where binding_id is not null;
create index call_record_by_caller on call_record (caller_index, call_time) where caller_index is not null;
-- Calls that are up: few, however many there were.
create index call_record_live on call_record (call_time, call_id) where release_time is null;
create index call_record_by_callee on call_record (callee_index, call_time) where callee_index is not null;

-- Makes the partition of the month in which the moment lies, if it is not there. It is built aside
-- and attached, because that lets readers and writers of the other months go on.
create function ensure_call_record_partition(moment timestamptz) returns text
language plpgsql as $$
declare
  month timestamp := date_trunc('month', moment at time zone 'Asia/Shanghai');
  partition text := 'call_record_' || to_char(month, 'YYYY_MM');
begin
  if to_regclass(partition) is not null then
    return partition;
  end if;
  perform pg_advisory_xact_lock(hashtext('call_record partitions'));
  if to_regclass(partition) is not null then
    return partition;
  end if;
  -- A row is written at the start of its call and again as the call goes on: room for that on the
  -- same page keeps the indexes out of it.
  execute format(
    'create table %I (like call_record including all) with (fillfactor = 80)', partition
  );
  execute format(
    'alter table call_record attach partition %I for values from (%L) to (%L)',
    partition,
    month at time zone 'Asia/Shanghai',
    (month + interval '1 month') at time zone 'Asia/Shanghai'
  );
  return partition;
end;
$$;
