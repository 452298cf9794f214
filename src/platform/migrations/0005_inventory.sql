-- Up Migration

-- What the operator has to give out, what was bought of it for how much, and what was given back.

-- Null: no balance is kept, and whoever may buy buys.
alter table account add column balance_li bigint;

create table stock (
  x text primary key check (x ~ '^\+[1-9][0-9]{4,14}$'),
  -- As number.x_index: what is bought is written there without asking for it again.
  x_index text not null,
  class smallint not null check (class in (1, 2, 3)),
  -- 全国通用 for class 3.
  city text not null check (length(city) between 1 and 32),
  province text check (length(province) between 1 and 32),
  carrier smallint check (carrier in (1, 2, 3)),
  -- free: to be had. sold: somebody's. returned: rests until people have stopped calling its last
  -- owner. withdrawn: given back while frozen or faulty; the operator decides.
  state text not null default 'free' check (state in ('free', 'sold', 'returned', 'withdrawn')),
  -- Random. Numbers go out in its order from a random start, so nobody picks and nobody guesses.
  shuffle integer not null,
  rests_until timestamptz,
  added_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  constraint stock_nationwide check ((class = 3) = (city = '全国通用')),
  check ((state = 'returned') = (rests_until is not null))
)
with (fillfactor = 90);

create index stock_free on stock (class, city, shuffle) where state = 'free';
create index stock_free_by_beginning on stock (x text_pattern_ops) where state = 'free';
create index stock_resting on stock (rests_until) where state = 'returned';

create sequence purchase_order_serial as bigint start 1000000001;

-- No foreign key to pool and number: an order outlives what it bought.
create table purchase_order (
  id bigint primary key default nextval('purchase_order_serial'),
  account_id text not null references account (id),
  pool_key text not null,
  product text not null,
  class smallint not null check (class in (1, 2, 3)),
  city text not null,
  quantity integer not null check (quantity between 1 and 1000),
  -- Rent of one number for one month as it was then; the price is that of the first month of all.
  rent_li bigint not null check (rent_li >= 0),
  price_li bigint not null check (price_li >= 0),
  -- Taken off the account's balance; less than the price when none is kept.
  paid_li bigint not null check (paid_li in (0, price_li)),
  numbers text[] not null,
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  request_hash text not null,
  created_at timestamptz not null,
  check (cardinality(numbers) = quantity),
  constraint purchase_order_key_once unique (account_id, idempotency_key)
);

create index purchase_order_by_account on purchase_order (account_id, id);
create index purchase_order_by_pool on purchase_order (pool_key, id);

alter table number
  -- Null: not bought but added by its owner, and without rent.
  add column order_id bigint,
  add column rent_li bigint check (rent_li >= 0),
  -- What the owner had made of it when the operator froze it or called it faulty.
  add column state_before text check (state_before in ('normal', 'locked')),
  add constraint number_state_before check (state_before is null or state in ('frozen', 'faulty'));

create index number_by_account_time on number (account_id, created_at, x);
create index number_by_beginning on number (x text_pattern_ops);

-- Who had an X, and until when: its rent runs to the end of that month.
create table released_number (
  id bigint generated always as identity primary key,
  x text not null,
  account_id text not null,
  pool_key text not null,
  product text not null,
  class smallint not null,
  city text,
  order_id bigint,
  rent_li bigint,
  owned_from timestamptz not null,
  released_at timestamptz not null default now()
);

create index released_number_by_account on released_number (account_id, id);
create index released_number_by_x on released_number (x, id);
