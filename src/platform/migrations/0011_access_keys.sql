-- Up Migration

-- Also keys that were made elsewhere: whoever moves here may keep the id that is in their code.
alter table access_key drop constraint access_key_id_check;
alter table access_key add constraint access_key_id_check check (id ~ '^[0-9A-Za-z]{16,128}$');
