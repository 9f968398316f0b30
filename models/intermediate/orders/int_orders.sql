with

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
),

-- An order's time is its first purchase; one that only takes back has its own.
final as (
    select
        -- keys
        order_key,
        min(order_id) as order_id,
        min(customer_id) as customer_id,

        -- attributes
        min(source_name) as source_name,
        min(currency_code) as currency_code,
        min(country) as country,
        min(channel) as channel,

        -- measures
        count(*) as n_lines,
        sum(case when line_type = 'purchase' then quantity else 0 end)
            as purchased_quantity,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount,
        sum(tax_amount) as tax_amount,

        -- flags
        max(case when line_type = 'purchase' then 1 else 0 end) = 1 as is_purchase,
        max(case when line_type = 'cancellation' then 1 else 0 end) = 1
            as is_cancelled,

        -- times
        coalesce(
            min(case when line_type = 'purchase' then ordered_at end), min(ordered_at)
        ) as ordered_at,
        coalesce(
            min(case when line_type = 'purchase' then ordered_date end),
            min(ordered_date)
        ) as ordered_date
    from order_lines
    group by order_key
)

select * from final
