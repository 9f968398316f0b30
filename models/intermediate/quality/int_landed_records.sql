{{ config(materialized='view') }}

-- A view: nothing here is worth a copy of every record. A new stream joins here, and is
-- then accounted for, looked up when rejected, and watched for being late.
with

order_lines as (
    select * from {{ ref('int_order_lines_classified') }}
),

events as (
    select * from {{ ref('int_events_classified') }}
),

attributes as (
    select * from {{ ref('int_customer_attributes_classified') }}
),

products as (
    select * from {{ ref('int_catalog_products_classified') }}
),

final as (
    select
        load_id,
        record_number,
        record_status,
        reject_reason,
        ordered_at as record_at
    from order_lines
    union all
    select
        load_id,
        record_number,
        record_status,
        reject_reason,
        occurred_at as record_at
    from events
    union all
    select
        load_id,
        record_number,
        record_status,
        reject_reason,
        cast(valid_from_date as timestamp) as record_at
    from attributes
    union all
    select
        load_id,
        record_number,
        record_status,
        reject_reason,
        updated_at as record_at
    from products
)

select * from final
