-- Up Migration

-- Whoever adds, releases or stops an X, by whatever way: its owner is told. Only the facts, which
-- show no real number; src/receipts/source-receipts.ts makes the receipt of them.

create function tell_numbers_added() returns trigger language plpgsql as $$
begin
  insert into receipt_source (account_id, message_type, event_id, pool_key, body)
  select account_id, 'NumberManagementReport', 'number:' || x || ':' || version || ':added', pool_key,
         jsonb_strip_nulls(jsonb_build_object('x', x, 'city', city, 'status', 1, 'vendor', carrier))
    from added;
  return null;
end
$$;

create trigger number_added after insert on number referencing new table as added
  for each statement execute function tell_numbers_added();

create function tell_numbers_gone() returns trigger language plpgsql as $$
begin
  insert into receipt_source (account_id, message_type, event_id, pool_key, body)
  select account_id, 'NumberManagementReport', 'number:' || x || ':' || version || ':gone', pool_key,
         jsonb_strip_nulls(jsonb_build_object('x', x, 'city', city, 'status', 2, 'vendor', carrier))
    from gone;
  return null;
end
$$;

create trigger number_gone after delete on number referencing old table as gone
  for each statement execute function tell_numbers_gone();

create function tell_number_fault() returns trigger language plpgsql as $$
begin
  insert into receipt_source (account_id, message_type, event_id, pool_key, body)
  values (new.account_id, 'SecretExceptionPhoneReport',
          'number:' || new.x || ':' || new.version || ':' || new.state, new.pool_key,
          jsonb_build_object('x', new.x, 'noStatus', case new.state when 'faulty' then 0 else 1 end));
  return null;
end
$$;

-- Binds set other columns: they do not come here.
create trigger number_fault after update of state on number
  for each row when ((old.state = 'faulty') <> (new.state = 'faulty'))
  execute function tell_number_fault();
