{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('int_orders') }}
),

final as (
    select
        -- keys
        order_key,
        order_id,
        customer_id,

        -- attributes
        source_name,
        order_evidence,
        currency_code,
        country,
        channel,

        -- measures
        cast(customer_order_number as bigint) as customer_order_number,
        cast(
            {{ dbt.datediff(
                'previous_ordered_date', 'ordered_date', 'day'
            ) }} as bigint
        ) as days_since_previous_order,
        cast(n_lines as bigint) as n_lines,
        cast(purchased_quantity as {{ type_amount() }}) as purchased_quantity,
        cast(gross_amount as {{ type_amount() }}) as gross_amount,
        cast(discount_amount as {{ type_amount() }}) as discount_amount,
        cast(refund_amount as {{ type_amount() }}) as refund_amount,
        cast(gross_amount - discount_amount - refund_amount as {{ type_amount() }})
            as net_amount,
        cast(tax_amount as {{ type_amount() }}) as tax_amount,

        -- flags
        is_purchase,
        is_cancelled,

        -- times
        ordered_at,
        ordered_date
    from orders
)

select * from final
