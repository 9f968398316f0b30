{{ config(materialized='view') }}

with

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
),

final as (
    select
        -- keys
        order_line_key,
        order_key,
        order_id,
        line_id,
        customer_id,
        product_id,

        -- attributes
        source_name,
        line_type,
        country,
        channel,
        currency_code,

        -- measures
        exchange_rate,
        quantity,
        unit_price as unit_price_amount,
        cast(original_gross_amount as {{ type_amount() }}) as original_gross_amount,
        cast(original_discount_amount as {{ type_amount() }})
            as original_discount_amount,
        cast(original_refund_amount as {{ type_amount() }}) as original_refund_amount,
        cast(gross_amount as {{ type_amount() }}) as gross_amount,
        cast(discount_amount as {{ type_amount() }}) as discount_amount,
        cast(refund_amount as {{ type_amount() }}) as refund_amount,
        cast(gross_amount - discount_amount - refund_amount as {{ type_amount() }})
            as net_amount,
        cast(tax_amount as {{ type_amount() }}) as tax_amount,

        -- flags
        line_type = 'purchase' as is_purchase,
        is_repeated_line,
        is_product,

        -- times
        ordered_at,
        ordered_date
    from order_lines
)

select * from final
