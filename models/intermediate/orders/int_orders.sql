with

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
),

events_of_orders as (
    select * from {{ ref('int_event_orders_matched') }}
    where is_in_order_system
),

orders_seen_in_events as (
    select
        order_key,
        max(case when channel = 'mobile' then 1 else 0 end) as is_on_telephone
    from events_of_orders
    group by order_key
),

-- An order's time is its first purchase; one that only takes back has its own.
aggregated as (
    select
        order_key,
        min(order_id) as order_id,
        min(customer_id) as customer_id,

        min(source_name) as source_name,
        min(currency_code) as currency_code,
        min(country) as country,
        min(channel) as channel,

        count(*) as n_lines,
        sum(case when line_type = 'purchase' then quantity else 0 end)
            as purchased_quantity,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount,
        sum(tax_amount) as tax_amount,

        max(case when line_type = 'purchase' then 1 else 0 end) = 1 as is_purchase,
        max(case when line_type = 'cancellation' then 1 else 0 end) = 1
            as is_cancelled,
        max(case when is_from_event then 1 else 0 end) = 1 as is_from_event,
        coalesce(
            min(case when line_type = 'purchase' then ordered_at end), min(ordered_at)
        ) as ordered_at,
        coalesce(
            min(case when line_type = 'purchase' then ordered_date end),
            min(ordered_date)
        ) as ordered_date
    from order_lines
    group by order_key
),

final as (
    select
        -- keys
        aggregated.order_key,
        aggregated.order_id,
        aggregated.customer_id,

        -- attributes
        aggregated.source_name,
        case
            when aggregated.is_from_event then 'events'
            when orders_seen_in_events.order_key is not null then 'both'
            else 'orders'
        end as order_evidence,
        aggregated.currency_code,
        aggregated.country,
        -- The order system can't tell a telephone's browser from a computer's.
        case
            when
                aggregated.channel = 'web'
                and orders_seen_in_events.is_on_telephone = 1
                then 'mobile'
            else aggregated.channel
        end as channel,

        -- measures
        aggregated.n_lines,
        aggregated.purchased_quantity,
        aggregated.gross_amount,
        aggregated.discount_amount,
        aggregated.refund_amount,
        aggregated.tax_amount,

        -- flags
        aggregated.is_purchase,
        aggregated.is_cancelled,

        -- times
        aggregated.ordered_at,
        aggregated.ordered_date
    from aggregated
    left join orders_seen_in_events
        on aggregated.order_key = orders_seen_in_events.order_key
)

select * from final
