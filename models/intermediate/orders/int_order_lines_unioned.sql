{{ config(materialized='view') }}

-- A new order system joins here. Who bought is named by the first key that the line
-- has.
with

pos_order_lines as (
    select * from {{ ref('int_order_lines_classified') }}
    where record_status = 'accepted'
),

shopify_order_lines as (
    select * from {{ ref('int_shopify_order_lines_unioned') }}
),

order_lines as (
    select
        order_line_key,
        order_key,
        order_id,
        line_id,
        user_id,
        cast(null as {{ dbt.type_string() }}) as shopify_customer_id,
        cast(null as {{ dbt.type_string() }}) as email_hash,
        cast(null as {{ dbt.type_string() }}) as phone_hash,
        product_id,
        source_name,
        product_name,
        country,
        channel,
        line_status,
        currency_code,
        exchange_rate,
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,
        change_number,
        zero_is_purchase,
        is_repeated_line,
        ordered_at,
        ordered_date
    from pos_order_lines
    union all
    select
        order_line_key,
        order_key,
        order_id,
        line_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        shopify_customer_id,
        email_hash,
        phone_hash,
        product_id,
        source_name,
        product_name,
        country,
        channel,
        line_status,
        currency_code,
        exchange_rate,
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,
        cast(null as {{ dbt.type_int() }}) as change_number,
        {{ source_setting('zero_amount_is_purchase', 'shopify', false) }}
            as zero_is_purchase,
        false as is_repeated_line,
        ordered_at,
        {{ to_business_date('ordered_at') }} as ordered_date
    from shopify_order_lines
),

final as (
    select
        *,
        coalesce(
            {{ compact_identifier_key('user_id', 'user_id') }},
            {{ compact_identifier_key('shopify_customer_id', 'shopify_customer_id') }},
            {{ compact_identifier_key('email_hash', 'email_hash') }},
            {{ compact_identifier_key('phone_hash', 'phone_hash') }}
        ) as compact_identifier_key
    from order_lines
)

select * from final
