{{ config(materialized='view') }}

-- A view: nothing here is worth a copy of every record. A new stream joins here, and is
-- then accounted for, looked up when rejected, and watched for being late. Only streams
-- that are classified load by load know when a record was classified, or in which run.
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

shopify_orders as (
    select * from {{ ref('int_shopify_orders_classified') }}
),

shopify_refunds as (
    select * from {{ ref('int_shopify_refunds_classified') }}
),

shopify_customers as (
    select * from {{ ref('int_shopify_customers_classified') }}
),

shopify_products as (
    select * from {{ ref('int_shopify_products_classified') }}
),

crm_contacts as (
    select * from {{ ref('int_crm_contacts_classified') }}
),

fx_rates as (
    select * from {{ ref('int_fx_rates_classified') }}
),

erasure_requests as (
    select * from {{ ref('int_erasure_requests_classified') }}
),

final as (
    select
        load_id,
        record_number,
        'order_line' as record_type,
        record_status,
        reject_reason,
        cast(null as {{ dbt.type_string() }}) as event_name,
        cast(null as {{ dbt.type_bigint() }}) as classified_at_load_id,
        change_number,
        ordered_at as record_at
    from order_lines
    union all
    select
        load_id,
        record_number,
        'event' as record_type,
        record_status,
        reject_reason,
        event_name,
        classified_at_load_id,
        null as change_number,
        occurred_at as record_at
    from events
    union all
    select
        load_id,
        record_number,
        'attribute' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        cast(valid_from_date as timestamp) as record_at
    from attributes
    union all
    select
        load_id,
        record_number,
        'product' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        updated_at as record_at
    from products
    union all
    select
        load_id,
        record_number,
        'order' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        ordered_at as record_at
    from shopify_orders
    union all
    select
        load_id,
        record_number,
        'refund' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        refunded_at as record_at
    from shopify_refunds
    union all
    select
        load_id,
        record_number,
        'customer' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        updated_at as record_at
    from shopify_customers
    union all
    select
        load_id,
        record_number,
        'product' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        updated_at as record_at
    from shopify_products
    union all
    select
        load_id,
        record_number,
        'contact' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        updated_at as record_at
    from crm_contacts
    union all
    select
        load_id,
        record_number,
        'rate' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        cast(valid_from_date as timestamp) as record_at
    from fx_rates
    union all
    select
        load_id,
        record_number,
        'erasure_request' as record_type,
        record_status,
        reject_reason,
        null as event_name,
        null as classified_at_load_id,
        null as change_number,
        requested_at as record_at
    from erasure_requests
)

select * from final
