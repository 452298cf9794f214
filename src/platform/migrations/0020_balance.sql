-- Up Migration

-- What the operator has put on an account's balance or taken off it; what orders took stands with them.

alter table account
  add constraint account_balance_range check (balance_li between 0 and 1000000000000000);

create sequence balance_change_serial as bigint start 1000000001;

create table balance_change (
  id bigint primary key default nextval('balance_change_serial'),
  account_id text not null references account (id),
  amount_li bigint not null check (amount_li <> 0),
  -- After it.
  balance_li bigint not null,
  note text not null check (length(note) between 1 and 128),
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  created_at timestamptz(3) not null,
  constraint balance_change_key_once unique (account_id, idempotency_key)
);

create index balance_change_by_account on balance_change (account_id, id);
