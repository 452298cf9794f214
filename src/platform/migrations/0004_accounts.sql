-- Up Migration

-- Who may do what: accounts, bearer tokens, access key pairs, and the log of what was changed.

alter table account
  -- Runs the installation: sees what belongs to nobody, makes accounts, trunks and inventory.
  add column operator boolean not null default false,
  add column suspended_at timestamptz,
  add constraint account_operator_goes_on check (not operator or suspended_at is null);

update account set operator = true where id = 'main';

create table access_token (
  -- Not a secret: stands in the audit log.
  id text primary key check (id ~ '^tok-[a-z]{16}$'),
  account_id text not null references account (id),
  name text not null check (length(name) between 1 and 64),
  -- SHA-256 of the token. It holds 256 random bits, so nothing slower is needed.
  hash bytea not null unique check (octet_length(hash) = 32),
  scopes text[] not null check (
    cardinality(scopes) between 1 and 6
    and scopes <@ array['read', 'bind', 'numbers', 'money', 'reveal', 'admin']),
  -- Addresses and CIDR blocks; empty: from anywhere.
  addresses text[] not null check (cardinality(addresses) <= 64),
  -- Null: as the server says.
  requests_per_minute integer check (requests_per_minute between 1 and 1000000),
  expires_at timestamptz(0),
  created_at timestamptz not null default now(),
  -- To the minute.
  last_used_at timestamptz,
  revoked_at timestamptz
);

create index access_token_by_account on access_token (account_id, id);

create table access_key (
  id text primary key check (id ~ '^AK[0-9A-Za-z]{22}$'),
  account_id text not null references account (id),
  name text not null check (length(name) between 1 and 64),
  -- A signature is checked with the secret itself, so it is sealed and not hashed.
  secret_sealed text not null,
  -- The secret before the last rotation, for clients that have not been told yet.
  previous_sealed text,
  previous_until timestamptz(0),
  scopes text[] not null check (
    cardinality(scopes) between 1 and 6
    and scopes <@ array['read', 'bind', 'numbers', 'money', 'reveal', 'admin']),
  addresses text[] not null check (cardinality(addresses) <= 64),
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  rotated_at timestamptz,
  last_used_at timestamptz,
  check ((previous_sealed is null) = (previous_until is null))
);

create index access_key_by_account on access_key (account_id, id);

create sequence audit_serial as bigint;

-- What somebody is about to change: written before the change, gone when its entry is written.
-- What stays here was begun by a process that ended on the way: see src/accounts/README.md.
create table audit_intent (
  id bigint primary key,
  account_id text not null,
  at timestamptz(3) not null,
  actor text not null,
  action text not null,
  subjects text[] not null,
  request_id text not null,
  address text not null
);

create table audit_entry (
  id bigint primary key,
  account_id text not null,
  at timestamptz(3) not null,
  -- Id of the token or access key; 'admin' for the token of the environment.
  actor text not null check (length(actor) between 1 and 64),
  -- The operation's id in the OpenAPI document.
  action text not null check (length(action) between 1 and 64),
  -- Ids of what was changed or shown; never a real number.
  subjects text[] not null check (cardinality(subjects) <= 4000),
  -- HTTP status of the answer. Null: not known, the process ended on the way.
  status smallint check (status between 100 and 599),
  request_id text not null check (length(request_id) between 1 and 64),
  address text not null check (length(address) between 1 and 64)
);

create index audit_entry_by_account on audit_entry (account_id, at, id);
create index audit_entry_by_action on audit_entry (account_id, action, at, id);
create index audit_entry_by_actor on audit_entry (account_id, actor, at, id);
create index audit_entry_by_subject on audit_entry using gin (subjects);
