create table events_lagged as
select
    *,
    lag(occurred_at) over (partition by device_key order by occurred_at, event_key)
        as previous_at,
    last_value(user_key ignore nulls) over (
        partition by device_key order by occurred_at, event_key
        rows between unbounded preceding and 1 preceding
    ) as previous_user
from events_deduplicated;

create table events_numbered as
select
    *,
    sum(
        case
            when previous_at is null then 1
            when occurred_at > previous_at + interval 30 minutes then 1
            when user_key <> previous_user then 1
            else 0
        end
    ) over (
        partition by device_key order by occurred_at, event_key
        rows between unbounded preceding and current row
    ) as session_number
from events_lagged;

create table events_sessionized as
select
    *,
    md5(device_key || '|' || session_number) as session_key,
    row_number() over (
        partition by device_key, session_number order by occurred_at, event_key
    ) as session_event_number
from events_numbered;

create table sessions_aggregated as
select
    session_key,
    min(device_key) as device_key,
    coalesce(
        max(user_key), max(case when session_event_number = 1 then previous_user end)
    ) as user_key,
    max(case when session_event_number = 1 then device_type end) as device_type,
    max(case when session_event_number = 1 then page_path end) as landing_page_path,
    max(case when session_event_number = 1 then page_referrer end) as page_referrer,
    arg_min(campaign_source, occurred_at) as campaign_source,
    arg_min(campaign_medium, occurred_at) as campaign_medium,
    arg_min(campaign_name, occurred_at) as campaign_name,
    count(*) as n_events,
    sum(case when event_type = 'page' then 1 else 0 end) as n_page_views,
    sum(case when event_name = 'Product Viewed' then 1 else 0 end) as n_product_views,
    sum(case when event_name = 'Product Added' then 1 else 0 end) as n_products_added,
    sum(case when event_name = 'Checkout Started' then 1 else 0 end)
        as n_checkouts_started,
    sum(case when event_name = 'Order Completed' then 1 else 0 end)
        as n_orders_completed,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at
from events_sessionized
group by session_key;
