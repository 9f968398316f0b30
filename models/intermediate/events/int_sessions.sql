with

events as (
    select * from {{ ref('int_events_sessionized') }}
    where record_status = 'accepted'
),

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by session_key
            order by occurred_at, event_key
        ) as session_event_number,
        row_number() over (
            partition by session_key
            order by
                case when campaign_source is null then 1 else 0 end,
                occurred_at,
                event_key
        ) as campaign_number
    from events
),

aggregated as (
    select
        session_key,
        min(device_key) as device_key,
        min(source_name) as source_name,
        max(user_key) as session_user_key,
        max(case when session_event_number = 1 then known_user_key end)
            as device_user_key,
        max(case when session_event_number = 1 then device_type end) as device_type,
        max(case when session_event_number = 1 then page_path end)
            as landing_page_path,
        max(case when session_event_number = 1 then page_referrer end) as page_referrer,
        max(case when campaign_number = 1 then campaign_source end) as campaign_source,
        max(case when campaign_number = 1 then campaign_medium end) as campaign_medium,
        max(case when campaign_number = 1 then campaign_name end) as campaign_name,
        min(session_number) as device_session_number,
        count(*) as n_events,
        sum(case when event_type in ('page', 'screen') then 1 else 0 end)
            as n_page_views,
        sum(case when event_name = 'Product Viewed' then 1 else 0 end)
            as n_product_views,
        sum(case when event_name = 'Product Added' then 1 else 0 end)
            as n_products_added,
        sum(case when event_name = 'Checkout Started' then 1 else 0 end)
            as n_checkouts_started,
        sum(case when event_name = 'Order Completed' then 1 else 0 end)
            as n_orders_completed,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from numbered
    group by session_key
),

-- The user seen in the session, else the last one before on the device, else the
-- device's own customer.
attributed as (
    select
        aggregated.*,
        coalesce(user_customers.customer_id, device_customers.customer_id)
            as customer_id
    from aggregated
    left join customer_identifiers as user_customers
        on
            coalesce(aggregated.session_user_key, aggregated.device_user_key)
            = user_customers.identifier_key
    left join customer_identifiers as device_customers
        on aggregated.device_key = device_customers.identifier_key
),

final as (
    select
        -- keys
        session_key,
        device_key,
        customer_id,

        -- attributes
        source_name,
        device_type,
        landing_page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,

        -- measures
        device_session_number,
        n_events,
        n_page_views,
        n_product_views,
        n_products_added,
        n_checkouts_started,
        n_orders_completed,

        -- times
        started_at,
        ended_at,
        {{ to_business_date('started_at') }} as started_date
    from attributed
)

select * from final
