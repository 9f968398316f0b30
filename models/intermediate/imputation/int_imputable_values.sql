{{ config(materialized='view') }}

-- A view: of columns that have a default nobody asks for values one by one but where a
-- record is counted.
-- A column that may be filled joins here, and in the seed `imputations`.
with

order_lines as (
    select
        *,
        content_key as record_key
    from {{ ref('stg_pos__order_lines') }}
    where reject_reason is null
),

products as (
    select
        *,
        content_key as record_key
    from {{ ref('stg_catalog__products') }}
    where reject_reason is null
),

shopify_orders as (
    select
        *,
        content_key as record_key
    from {{ ref('stg_shopify__orders') }}
    where reject_reason is null
),

landed_order_lines as (
    select * from {{ ref('stg_shopify__order_lines') }}
),

shopify_order_lines as (
    select
        landed_order_lines.*,
        {{ hash_key(['shopify_orders.content_key', 'landed_order_lines.line_number']) }}
            as record_key
    from landed_order_lines
    inner join shopify_orders
        on
            landed_order_lines.load_id = shopify_orders.load_id
            and landed_order_lines.record_number = shopify_orders.record_number
),

refunds as (
    select * from {{ ref('stg_shopify__refunds') }}
    where reject_reason is null
),

refund_lines as (
    select * from {{ ref('stg_shopify__refund_lines') }}
),

shopify_refund_lines as (
    select
        refund_lines.*,
        {{ hash_key(['refunds.content_key', 'refund_lines.line_number']) }}
            as record_key
    from refund_lines
    inner join refunds
        on
            refund_lines.load_id = refunds.load_id
            and refund_lines.record_number = refunds.record_number
),

shopify_products as (
    select * from {{ ref('stg_shopify__products') }}
    where reject_reason is null
),

variants as (
    select * from {{ ref('stg_shopify__product_variants') }}
),

-- A variant's price is in the shop's currency, which the export doesn't name.
shopify_variants as (
    select
        variants.load_id,
        variants.record_number,
        {{ hash_key(['shopify_products.content_key', 'variants.variant_number']) }}
            as record_key,
        cast(null as {{ dbt.type_string() }}) as currency_code
    from variants
    inner join shopify_products
        on
            variants.load_id = shopify_products.load_id
            and variants.record_number = shopify_products.record_number
),

-- No purchase is of nothing.
purchases as (
    select
        load_id,
        record_number,
        cast(event_key as {{ dbt.type_string() }}) as record_key,
        currency_code,
        case when quantity > 0 then quantity end as quantity,
        revenue_amount
    from {{ ref('int_purchase_events') }}
    where record_status = 'accepted'
),

final as (
    {{ unpivot_imputable('order_lines', 'stg_pos__order_lines', [
        'line_status', 'currency_code', 'discount_amount', 'tax_amount',
    ]) }}
    union all
    {{ unpivot_imputable('products', 'stg_catalog__products', ['currency_code']) }}
    union all
    {{ unpivot_imputable('shopify_orders', 'stg_shopify__orders', ['currency_code']) }}
    union all
    {{ unpivot_imputable('shopify_order_lines', 'stg_shopify__order_lines', [
        'quantity', 'unit_price', 'discount_amount', 'tax_amount',
    ]) }}
    union all
    {{ unpivot_imputable('shopify_refund_lines', 'stg_shopify__refund_lines', [
        'quantity', 'amount', 'tax_amount',
    ]) }}
    union all
    {{ unpivot_imputable('shopify_variants', 'stg_shopify__product_variants', [
        'currency_code',
    ]) }}
    union all
    {{ unpivot_imputable('purchases', 'int_events_classified', [
        'currency_code', 'quantity', 'revenue_amount',
    ]) }}
)

select * from final
