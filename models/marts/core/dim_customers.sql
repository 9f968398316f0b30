{{ config(materialized='view') }}

with

customers as (
    select * from {{ ref('int_customers') }}
),

final as (
    select
        -- keys
        customer_id,
        user_id,

        -- attributes
        country,
        first_campaign_source,
        first_campaign_medium,
        first_device_type,

        -- measures
        n_identifiers,
        n_devices,
        n_countries,
        n_orders,

        -- flags
        is_identified,
        is_personalization_allowed,
        n_orders > 0 as is_purchaser,

        -- times
        first_seen_at,
        last_seen_at,
        first_ordered_at,
        last_ordered_at
    from customers
)

select * from final
