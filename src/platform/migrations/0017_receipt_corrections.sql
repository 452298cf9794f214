-- Up Migration

-- 1: what routers tell themselves. 0: an end that was written for a router that is lost; each
-- correction of it, by what another process knew of the call, is one lower.
alter table receipt drop constraint receipt_revision_check;
alter table receipt add constraint receipt_revision_check check (revision <= 1);
