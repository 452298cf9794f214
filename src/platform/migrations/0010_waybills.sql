-- Up Migration

-- Waybills whose parcels go to A of a binding: a parcel locker asks whom to call (the vendor's
-- AddAxnTrackNo and QueryPhoneNoAByTrackNo).
create table waybill (
  account_id text not null,
  track_no text not null check (track_no ~ '^[0-9A-Za-z_-]{1,64}$'),
  binding_id bigint not null references binding (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (account_id, track_no, binding_id)
);

create index waybill_by_binding on waybill (binding_id);
