{{ config(materialized='view') }}

with

sessions as (
    select * from {{ ref('int_sessions') }}
    where n_events > 0
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
        cast(device_session_number as bigint) as device_session_number,
        cast(
            {{ dbt.datediff(
                'started_at', 'ended_at', 'second'
            ) }} as bigint
        ) as session_seconds,
        cast(n_events as bigint) as n_events,
        cast(n_page_views as bigint) as n_page_views,
        cast(n_product_views as bigint) as n_product_views,
        cast(n_products_added as bigint) as n_products_added,
        cast(n_checkouts_started as bigint) as n_checkouts_started,
        cast(n_orders_completed as bigint) as n_orders_completed,

        -- flags
        n_orders_completed > 0 as is_converted,

        -- times
        started_at,
        ended_at,
        started_date
    from sessions
)

select * from final
