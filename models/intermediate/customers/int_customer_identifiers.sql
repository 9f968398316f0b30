-- The interface of identity: which customer an identifier stands for. Until identity
-- resolution joins identifiers, a customer is the source's own user id.
with

order_lines as (
    select * from {{ ref('int_order_lines_classified') }}
    where record_status = 'accepted' and customer_id is not null
),

events as (
    select * from {{ ref('int_events_classified') }}
    where record_status = 'accepted'
),

sightings as (
    select
        customer_id as user_id,
        source_name,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at
    from order_lines
    group by customer_id, source_name
    union all
    select
        user_id,
        source_name,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    where user_id is not null
    group by user_id, source_name
),

users as (
    select
        'user_id' as identifier_type,
        user_id as identifier_value,
        user_id as customer_id,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from sightings
    group by user_id
),

-- A device that several users share stands for nobody.
devices as (
    select
        'anonymous_id' as identifier_type,
        anonymous_id as identifier_value,
        min(user_id) as customer_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    where anonymous_id is not null
    group by anonymous_id
    having count(distinct user_id) = 1
),

final as (
    select * from users
    union all
    select * from devices
)

select * from final
