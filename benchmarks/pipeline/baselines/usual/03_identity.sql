create table identifiers_met as
select
    device_key, user_key, email_key, anonymous_id, user_id,
    min(occurred_at) as first_seen_at, max(occurred_at) as last_seen_at
from events_deduplicated
group by all;

create table identifiers_seen as
select
    key, type, value, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
from (
    select device_key as key, 'anonymous_id' as type, anonymous_id as value,
        first_seen_at, last_seen_at
    from identifiers_met
    union all
    select user_key, 'user_id', user_id, first_seen_at, last_seen_at
    from identifiers_met where user_key is not null
    union all
    select email_key, 'email_hash', null, first_seen_at, last_seen_at
    from identifiers_met where email_key is not null
    union all
    select user_key, 'user_id', user_id, ordered_at, ordered_at
    from order_lines_ranked where user_key is not null and copy_number = 1
)
group by all;

create table strong_edges as
select distinct user_key as left_key, email_key as right_key
from identifiers_met
where user_key is not null and email_key is not null
union
select distinct email_key, user_key
from identifiers_met
where user_key is not null and email_key is not null;

create table strong_labels as
select key, key as label from identifiers_seen where type <> 'anonymous_id';

-- repeat 6
create or replace table strong_labels as
select key, min(label) as label
from (
    select key, label from strong_labels
    union all
    select strong_edges.left_key, strong_labels.label
    from strong_edges
    inner join strong_labels on strong_edges.right_key = strong_labels.key
)
group by key;
-- end

create table device_labels as
select device_key as key, min(label) as label
from (
    select identifiers_met.device_key, strong_labels.label
    from identifiers_met
    inner join strong_labels on identifiers_met.user_key = strong_labels.key
    union all
    select identifiers_met.device_key, strong_labels.label
    from identifiers_met
    inner join strong_labels on identifiers_met.email_key = strong_labels.key
)
group by device_key
having count(distinct label) = 1;

create table identifiers as
select
    identifiers_seen.*,
    md5(coalesce(strong_labels.label, device_labels.label, identifiers_seen.key))
        as customer_id
from identifiers_seen
left join strong_labels on identifiers_seen.key = strong_labels.key
left join device_labels on identifiers_seen.key = device_labels.key;

create table fct_sessions as
select
    sessions_aggregated.*,
    coalesce(users.customer_id, devices.customer_id) as customer_id,
    cast(started_at as date) as started_date
from sessions_aggregated
left join identifiers as users on sessions_aggregated.user_key = users.key
left join identifiers as devices on sessions_aggregated.device_key = devices.key;

create table fct_events as
select events_sessionized.*, fct_sessions.customer_id
from events_sessionized
inner join fct_sessions on events_sessionized.session_key = fct_sessions.session_key;
