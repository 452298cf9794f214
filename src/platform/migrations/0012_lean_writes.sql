-- Up Migration

-- Every bind, unbind and sweep writes these tables, so what a write costs is decided here.
--
-- Rules of one column are rules of its type: Postgres keeps those parsed for the length of a
-- session, and looks at them when the column is written. A CHECK of the table is parsed anew by each
-- statement and looked at for each row, whatever was written: number's had made the update of a
-- bound X three times as dear. Rules of several columns stay where they were.
create domain x_number as text constraint number_x_check check (value ~ '^\+[1-9][0-9]{4,14}$');
create domain place_name as text check (length(value) between 1 and 32);
create domain short_note as text check (length(value) between 1 and 128);
create domain number_class as smallint check (value in (1, 2, 3));
create domain carrier_code as smallint check (value in (1, 2, 3));
create domain number_state as text constraint number_state_check
  check (value in ('normal', 'locked', 'frozen', 'faulty'));
create domain paused_state as text check (value in ('normal', 'locked'));
create domain amount_li as bigint check (value >= 0);
create domain legs_max as integer constraint number_capacity_check check (value between 0 and 1000);

alter table number
  drop column free,
  drop constraint number_x_check,
  drop constraint number_city_check,
  drop constraint number_province_check,
  drop constraint number_note_check,
  drop constraint number_class_check,
  drop constraint number_carrier_check,
  drop constraint number_state_check,
  drop constraint number_state_before_check,
  drop constraint number_state_before,
  drop constraint number_rent_li_check,
  drop constraint number_capacity_check,
  drop constraint number_capacity;
alter table number
  alter column x type x_number,
  alter column city type place_name,
  alter column province type place_name,
  alter column note type short_note,
  alter column class type number_class,
  alter column carrier type carrier_code,
  alter column state type number_state,
  alter column state_before type paused_state,
  alter column rent_li type amount_li,
  alter column capacity type legs_max;
alter table number
  add constraint number_capacity check (bound between 0 and capacity),
  add constraint number_state_before check (state_before is null or state in ('frozen', 'faulty')),
  add column free boolean not null
    generated always as (state = 'normal' and bound < capacity) stored;
create index number_free on number (pool_key, position) where free;
create index number_free_in_city on number (pool_key, city, position) where free;

create domain ring_limit as integer check (value between 5 and 180);
create domain talk_limit as integer check (value between 60 and 86400);
create domain side_barred as text check (value in ('AX', 'BX'));
create domain out_text as text check (length(value) between 1 and 128);
create domain why_ended as text check (value in ('unbound', 'expired'));
create domain extension_digits as text check (value ~ '^[0-9]{1,3}$');
create domain json_object as jsonb check (jsonb_typeof(value) = 'object');
create domain model_name as text check (length(value) between 1 and 64);

alter table binding
  drop constraint binding_end_reason_check,
  drop constraint binding_ring_seconds_max_check,
  drop constraint binding_talk_seconds_max_check,
  drop constraint binding_restriction_check,
  drop constraint binding_out_id_check,
  drop constraint binding_extension_check,
  drop constraint binding_tones_check,
  drop constraint binding_out_order_id_check,
  drop constraint binding_asr_model_check,
  drop constraint binding_survey_check,
  -- One rule of this and of when it ended: below.
  drop constraint binding_check;
alter table binding
  alter column end_reason type why_ended,
  alter column ring_seconds_max type ring_limit,
  alter column talk_seconds_max type talk_limit,
  alter column restriction type side_barred,
  alter column out_id type out_text,
  alter column extension type extension_digits,
  alter column tones type json_object,
  alter column out_order_id type out_text,
  alter column asr_model type model_name,
  alter column survey type json_object,
  add constraint binding_ended_for_a_reason check ((ended_at is null) = (end_reason is null));

create domain leg_role as text check (value in ('A', 'B'));
create domain leg_slot as text check (value ~ '^(\*|[0-9]{1,3})$');
alter table binding_leg
  drop constraint binding_leg_role_check,
  drop constraint binding_leg_slot_check,
  alter column role type leg_role;
drop index binding_leg_one_per_slot;
alter table binding_leg alter column slot type leg_slot;
create unique index binding_leg_one_per_slot on binding_leg (x, slot) where slot is not null;

-- The end of a binding must not be in an index of binding, or each unbind writes all of them
-- again. Whose time has come is told by the legs: they are there until somebody has ended it.
drop index binding_to_expire;
create index binding_leg_to_expire on binding_leg (expires_at) where role = 'A';
drop index binding_live_by_group;
create index binding_by_group on binding (group_id, expires_at) where group_id is not null;
-- Rows are changed once, at their end: room for that on the same page.
alter table binding set (fillfactor = 85);
