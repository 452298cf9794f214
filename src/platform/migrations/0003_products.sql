-- Up Migration

-- Every product beside AXB: what a pool says of its numbers, what a number can carry, extensions,
-- groups, blacklists, cooling.

alter table pool
  add column assignment_mode text not null default 'default'
    check (assignment_mode in ('default', 'strict', 'smart')),
  -- Where A is sent who calls X. Only for products with a fixed A: AXN, AXN_EXTENSION, 95AXN, AXG.
  add column callback_mode text not null default 'default-b'
    check (callback_mode in ('default-b', 'last-caller', 'disabled')),
  add column sms_mode text not null default 'off' check (sms_mode in ('off', 'intercept', 'smart')),
  -- Null: no alarm.
  add column alarm_percent smallint check (alarm_percent between 1 and 100),
  -- How long an X is not given again to somebody who was bound on it.
  add column cooling_days smallint not null default 0 check (cooling_days between 0 and 365),
  -- Codes of tones by the moment they are for: see domain/tones.ts.
  add column tones jsonb not null default '{}' check (jsonb_typeof(tones) = 'object'),
  -- X_MODE: who is asked what to do with a call.
  add column control_url text check (length(control_url) between 1 and 2048),
  -- Has, or had, a blacklist: calls to its numbers look at what is held against the caller.
  add column screened boolean not null default false,
  add constraint pool_x_mode_has_url check (product <> 'X_MODE' or control_url is not null);

update pool set tones = jsonb_build_object('a', ringback, 'peer', ringback)
 where ringback is not null;
alter table pool drop column ringback;

-- What calls need of a pool, by the names of PoolSettings in domain/call.ts.
create function pool_settings(p pool) returns json language sql stable as $$
  select json_strip_nulls(json_build_object(
    'callbackMode', p.callback_mode,
    'screened', p.screened,
    'controlUrl', p.control_url,
    'recording', p.recording,
    'tones', p.tones,
    'ringSecondsMax', p.ring_seconds_max,
    'talkSecondsMax', p.talk_seconds_max
  ))
$$;

-- A pool whose settings have changed and whose numbers are being told, in the order of their
-- positions. Written with the change, so that a worker can finish what a crash has cut short.
create table pool_refresh (
  pool_key text primary key references pool (key),
  next_position integer not null default 0,
  touched_at timestamptz not null default clock_timestamp()
);

alter table number drop constraint number_capacity;
alter table number drop constraint number_state_check;
alter table number
  add constraint number_state_check check (state in ('normal', 'locked', 'frozen', 'faulty')),
  -- Live bindings that it can carry, by product: AXB 200, AXN_EXTENSION 1000, X_MODE none, the others 1.
  add column capacity integer not null default 200 check (capacity between 0 and 1000),
  -- Generated, so that the partial indexes below change only when room comes or goes, and a bind on
  -- an AXB number leaves them alone.
  add column free boolean not null
    generated always as (state = 'normal' and bound < capacity) stored,
  add constraint number_capacity check (bound between 0 and capacity),
  -- The vendor's SpecId: 1 virtual operator (170/171), 2 carrier, 3 nationwide 95.
  add column class smallint not null default 2 check (class in (1, 2, 3)),
  -- 1 Mobile, 2 Unicom, 3 Telecom.
  add column carrier smallint check (carrier in (1, 2, 3)),
  add column province text check (length(province) between 1 and 32),
  add column note text check (length(note) between 1 and 128),
  add column certified boolean not null default false;

create index number_free on number (pool_key, position) where free;
create index number_free_in_city on number (pool_key, city, position) where free;
create index number_by_pool on number (pool_key, x);

alter table binding
  add column extension text check (extension ~ '^[0-9]{1,3}$'),
  add column group_id bigint,
  add column tones jsonb check (jsonb_typeof(tones) = 'object'),
  -- The vendor's OutOrderId, ASRStatus with ASRModelId, and DtmfConfig.
  add column out_order_id text check (length(out_order_id) between 1 and 128),
  add column asr boolean,
  add column asr_model text check (length(asr_model) between 1 and 64),
  add column survey jsonb check (jsonb_typeof(survey) = 'object'),
  add constraint binding_has_extension check ((product = 'AXN_EXTENSION') = (extension is not null)),
  add constraint binding_has_group check ((product = 'AXG') = (group_id is not null));

update binding set tones = jsonb_build_object('a', ringback, 'peer', ringback)
 where ringback is not null;
alter table binding drop column ringback;

create index binding_live_by_group on binding (group_id)
 where group_id is not null and ended_at is null;

-- What can be had only once on an X, besides a party: '*' is X as a whole (AXN, 95AXN, AXG),
-- digits are an extension. Null for AXB.
alter table binding_leg add column slot text check (slot ~ '^(\*|[0-9]{1,3})$');
create unique index binding_leg_one_per_slot on binding_leg (x, slot) where slot is not null;

-- Until when somebody who was bound on X does not get it again.
create table cooling (
  party text not null,
  x text not null,
  until timestamptz not null,
  primary key (party, x)
);

create index cooling_until on cooling (until);

create sequence group_serial as bigint start 2000000000001;

create table number_group (
  -- 13 digits, and below 2^53.
  id bigint primary key default nextval('group_serial'),
  account_id text not null,
  pool_key text not null,
  name text not null check (length(name) between 1 and 16),
  remark text check (length(remark) between 1 and 50),
  members integer not null default 0 check (members >= 0),
  created_at timestamptz not null default now(),
  foreign key (pool_key, account_id) references pool (key, account_id)
);

create index number_group_by_pool on number_group (pool_key, id);

create table group_member (
  group_id bigint not null references number_group (id) on delete cascade,
  party text not null,
  sealed text not null,
  added_at timestamptz not null default now(),
  primary key (group_id, party)
);

create index group_member_by_party on group_member (party, group_id);

-- Nobody of these may call any X of the pool.
create table blocked_caller (
  pool_key text not null references pool (key),
  party text not null,
  sealed text not null,
  remark text check (length(remark) between 1 and 200),
  created_at timestamptz not null default now(),
  primary key (pool_key, party)
);

create index blocked_caller_by_party on blocked_caller (party);

-- Who may not be joined with whom. `way`: the vendor's WayControl.
create table blocked_pair (
  pool_key text not null references pool (key),
  first_party text not null,
  second_party text not null,
  first_sealed text not null,
  second_sealed text not null,
  way text not null check (way in ('DUPLEX_REJECT', 'PHONEA_REJECT', 'PHONEB_REJECT')),
  remark text check (length(remark) between 1 and 200),
  created_at timestamptz not null default now(),
  primary key (pool_key, first_party, second_party),
  check (first_party <> second_party)
);

create index blocked_pair_by_first on blocked_pair (first_party);
create index blocked_pair_by_second on blocked_pair (second_party);

-- One row per real number that ever was in a group or on a blacklist. Whoever changes that takes
-- a new version under the row's lock first, so that versions are in the order of the commits.
create table caller_version (
  party text primary key,
  version bigint not null default nextval('route_version')
);

-- A row without X: what is held about the one party has changed, whatever X it calls.
alter table invalidation
  alter column x drop not null,
  add constraint invalidation_of_x_or_caller check (x is not null or cardinality(parties) = 1);

alter table call_record drop constraint call_record_caller_role_check;
alter table call_record
  add constraint call_record_caller_role_check check (caller_role in ('A', 'B', 'N', 'G')),
  add column extension text;
