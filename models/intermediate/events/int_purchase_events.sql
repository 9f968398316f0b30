{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status <> 'loaded'
        )",
    )
}}

-- Few of all events, so that what looks at purchases reads no others. One that is
-- a duplicate or withheld by now has its row, in the place of an accepted one.
with

purchase_events as (
    select * from {{ ref('int_events_classified') }}
    where record_status <> 'rejected' and event_name = 'Order Completed'
),

final as (
    select
        -- keys
        load_id,
        record_number,
        event_key,
        user_id,
        email_hash,
        phone_hash,
        anonymous_id,
        order_id,

        -- attributes
        source_name,
        device_type,
        country_code,
        currency_code,
        record_status,

        -- measures
        quantity,
        revenue_amount,
        classified_at_load_id,

        -- times
        occurred_at
    from purchase_events
    {% if is_incremental() -%}
        where
            classified_at_load_id
            > (select coalesce(max(classified_at_load_id), 0) from {{ this }})
    {%- endif %}
)

select * from final
