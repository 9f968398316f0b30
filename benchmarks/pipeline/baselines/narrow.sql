-- What polars and pandas are compared in: events to sessions, and facts and RFM scores of
-- the shop's own user ids at the as-of date. No identity, no event table.
create table narrow_sessions as
with

landed as (
    select
        hash("messageId") as event_key,
        "anonymousId" as device,
        "userId" as user_id,
        try_cast("timestamp" as timestamp) as occurred_at,
        try_cast("receivedAt" as timestamp) as received_at
    from read_parquet(getvariable('events'))
    where
        "messageId" is not null
        and "anonymousId" is not null
        and not regexp_matches(lower(context."userAgent"), 'bot|crawler|spider')
),

neighbours as (
    select
        device,
        user_id,
        occurred_at,
        coalesce(
            event_key = lag(event_key) over stream
            and occurred_at = lag(occurred_at) over stream,
            false
        ) as is_copy,
        lag(occurred_at) over stream as previous_at,
        last_value(user_id ignore nulls) over (
            stream rows between unbounded preceding and 1 preceding
        ) as previous_user
    from landed
    where occurred_at is not null and occurred_at <= received_at + interval 24 hours
    window stream as (partition by device order by occurred_at, event_key, received_at)
),

numbered as (
    select
        *,
        sum(
            case
                when
                    previous_at is null
                    or occurred_at > previous_at + interval 30 minutes
                    or user_id <> previous_user
                    then 1
                else 0
            end
        ) over (
            partition by device order by occurred_at, is_copy
            rows between unbounded preceding and current row
        ) as session_number
    from neighbours
)

select
    device,
    coalesce(max(user_id), arg_min(previous_user, occurred_at)) as user_id,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at,
    count(*) filter (not is_copy) as n_events
from numbered
group by device, session_number;

create table narrow_facts as
with

lines as (
    select
        customer_id as user_id,
        order_id,
        line_status = 'completed' as is_purchase,
        case
            when line_status = 'completed' then quantity * unit_price - discount_amount
            else quantity * unit_price
        end as net_amount,
        cast(try_cast(ordered_at as timestamp) as date) as ordered_date
    from read_parquet(getvariable('order_lines'))
    where customer_id is not null
),

facts as (
    select
        user_id,
        count(distinct order_id) filter (is_purchase) as n_orders,
        sum(net_amount) as net_amount,
        cast(getvariable('as_of') as date) - max(ordered_date) filter (is_purchase)
            as recency_days
    from lines
    where
        ordered_date < cast(getvariable('as_of') as date)
        and ordered_date >= cast(getvariable('as_of') as date) - 365
    group by user_id
    having count(*) filter (is_purchase) > 0
),

sessions as (
    select user_id, count(*) as n_sessions
    from narrow_sessions
    where user_id is not null and started_at < cast(getvariable('as_of') as date)
    group by user_id
)

select
    facts.*,
    coalesce(sessions.n_sessions, 0) as n_sessions,
    5 - cast(floor(5.0 * (rank() over (order by recency_days) - 1) / count(*) over ())
        as bigint) as recency_score,
    1 + cast(floor(5.0 * (rank() over (order by n_orders) - 1) / count(*) over ())
        as bigint) as frequency_score,
    1 + cast(floor(5.0 * (rank() over (order by net_amount) - 1) / count(*) over ())
        as bigint) as monetary_score
from facts
left join sessions on facts.user_id = sessions.user_id;
