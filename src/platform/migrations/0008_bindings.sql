-- Up Migration

-- Who wants recordings written down says by which model.
alter table binding
  add constraint binding_asr_has_model check (asr is not true or asr_model is not null);

-- Null: the key was for many bindings at once, and each of them has a key of its own.
alter table idempotency_key alter column binding_id drop not null;

-- Checked when a statement has ended: within one, A and B may change places.
alter table binding_leg
  drop constraint binding_leg_role,
  add constraint binding_leg_role unique (binding_id, role) deferrable initially immediate;
