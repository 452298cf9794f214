/** Statements over `receipt_in_queue`. Delivered, not kept too long, in the order of the receipts. */

const isDue =
  'm.visible_at <= now() and m.queued_at > now() - make_interval(secs => q.retention_seconds)'

export const findText = `
  select name, account_id, message_type, is_default, visibility_seconds, retention_seconds, created_at
    from receipt_queue where name = $1 and account_id = $2`

/**
 * No row: no such queue. One without id: nothing in it. `count` stands in the text, because a plan
 * that does not know it might rather sort the whole queue.
 */
export const takeText = (count: number) => `
  with q as (
    select visibility_seconds, retention_seconds from receipt_queue
     where name = $1 and account_id = $2
  ), due as (
    select m.receipt_id from receipt_in_queue m
     where m.queue_name = $1 and m.visible_at <= now()
       and m.queued_at > now() - make_interval(secs => (select retention_seconds from q))
     order by m.receipt_id
     limit ${count}
       for update skip locked
  ), taken as (
    update receipt_in_queue m
       set visible_at = date_trunc('milliseconds', now())
                        + make_interval(secs => (select visibility_seconds from q)),
           dequeued = m.dequeued + 1,
           first_dequeued_at = coalesce(m.first_dequeued_at, now())
      from due
     where m.queue_name = $1 and m.receipt_id = due.receipt_id
    returning m.receipt_id, m.visible_at, m.queued_at, m.dequeued, m.first_dequeued_at
  )
  select t.receipt_id as id, r.message_type, r.body_sealed, t.visible_at, t.queued_at, t.dequeued,
         t.first_dequeued_at
    from q left join (taken t join receipt r on r.id = t.receipt_id) on true
   order by t.receipt_id`

export const peekText = `
  select m.receipt_id as id, r.message_type, r.body_sealed, m.visible_at, m.queued_at, m.dequeued,
         m.first_dequeued_at
    from receipt_queue q
    join receipt_in_queue m on m.queue_name = q.name
    join receipt r on r.id = m.receipt_id
   where q.name = $1 and q.account_id = $2 and ${isDue}
   order by m.receipt_id
   limit 16`

/** Locked in order, so that two that delete the same do not wait for each other. */
const given = `
  given as (
    select * from unnest($2::bigint[], $3::integer[], $4::timestamptz[])
      with ordinality as g (receipt_id, dequeued, visible_at, at)
  ), locked as (
    select m.receipt_id from receipt_in_queue m join given g using (receipt_id)
     where m.queue_name = $1 and m.dequeued = g.dequeued and m.visible_at = g.visible_at
     order by m.receipt_id
       for update of m
  )`

/** `there`: it is, but has been given out again since. */
export const removeText = `
  with ${given}, gone as (
    delete from receipt_in_queue m using locked l
     where m.queue_name = $1 and m.receipt_id = l.receipt_id
    returning m.receipt_id
  )
  select g.at::integer, gone.receipt_id is not null as removed, m.receipt_id is not null as there
    from given g
    left join gone on gone.receipt_id = g.receipt_id
    left join receipt_in_queue m on m.queue_name = $1 and m.receipt_id = g.receipt_id`

export const setVisibilityText = `
  with ${given}, changed as (
    update receipt_in_queue m
       set visible_at = date_trunc('milliseconds', now()) + make_interval(secs => $5)
      from locked l
     where m.queue_name = $1 and m.receipt_id = l.receipt_id
    returning m.receipt_id, m.visible_at
  )
  select changed.visible_at, m.receipt_id is not null as there
    from given g
    left join changed on changed.receipt_id = g.receipt_id
    left join receipt_in_queue m on m.queue_name = $1 and m.receipt_id = g.receipt_id`

export const lookText = `
  select q.name, (
           select count(*) from (
             select from receipt_in_queue m where m.queue_name = q.name and ${isDue} limit $2) few
         )::integer as messages
    from receipt_queue q where q.name = any($1)`

/** Beyond the limit a count says nothing new, and would only take long. */
export const countsText = `
  select count(*) filter (where visible_at <= now())::integer as active,
         count(*) filter (where visible_at > now() and dequeued > 0)::integer as inactive,
         count(*) filter (where visible_at > now() and dequeued = 0)::integer as delayed
    from (
      select m.visible_at, m.dequeued
        from receipt_queue q join receipt_in_queue m on m.queue_name = q.name
       where q.name = $1
         and m.queued_at > now() - make_interval(secs => q.retention_seconds)
       limit 1000000) kept`

/** What was queued first stands first, but for what was queued again: that delays a sweep at most. */
export const sweepText = `
  with old as (
    select q.name, m.receipt_id
      from receipt_queue q
     cross join lateral (
       select head.receipt_id from (
         select receipt_id, queued_at from receipt_in_queue
          where queue_name = q.name order by receipt_id limit 500) head
        where head.queued_at <= now() - make_interval(secs => q.retention_seconds)) m
  ), free as (
    select m.queue_name, m.receipt_id
      from receipt_in_queue m join old on old.name = m.queue_name and old.receipt_id = m.receipt_id
       for update of m skip locked
  )
  delete from receipt_in_queue m using free
   where m.queue_name = free.queue_name and m.receipt_id = free.receipt_id
  returning 1`
