{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='order_key',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where n_lines is null",
    )
}}
{% set summed_columns = [
    'order_key', 'order_id', 'customer_id', 'source_name', 'order_evidence',
    'currency_code', 'country', 'channel', 'n_lines', 'purchased_quantity',
    'gross_amount', 'discount_amount', 'refund_amount', 'tax_amount',
    'line_change_number', 'is_purchase', 'is_cancelled', 'ordered_at', 'ordered_date',
] -%}
-- Summed again are orders of which a line came, went or changed, or that events see
-- otherwise; numbered again are those of their customers. An order that is no more is
-- written without content and deleted in the same transaction.
with

order_lines as {{ not_materialized() }} (
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

{% if is_incremental() -%}
standing_orders as {{ not_materialized() }} (
    select * from {{ this }}
),

outlined as (
    select
        order_key,
        min(channel) as channel,
        count(*) as n_lines,
        max(change_number) as line_change_number
    from order_lines
    group by order_key
),

compared as {{ materialized() }} (
    select
        coalesce(outlined.order_key, standing_orders.order_key) as order_key,
        standing_orders.customer_id as standing_customer_id,
        outlined.order_key is null as is_gone
    from outlined
    left join orders_seen_in_events
        on outlined.order_key = orders_seen_in_events.order_key
    full outer join standing_orders
        on outlined.order_key = standing_orders.order_key
    where
        outlined.order_key is null
        or standing_orders.order_key is null
        or outlined.n_lines <> standing_orders.n_lines
        or outlined.line_change_number <> standing_orders.line_change_number
        or (
            standing_orders.order_evidence = 'orders'
            and orders_seen_in_events.order_key is not null
        )
        or (
            standing_orders.order_evidence = 'both'
            and orders_seen_in_events.order_key is null
        )
        or (
            outlined.channel = 'web'
            and (standing_orders.channel = 'mobile')
            <> (coalesce(orders_seen_in_events.is_on_telephone, 0) = 1)
        )
),

orders_to_sum as (
    select order_key from compared
    where not is_gone
),

{% endif -%}
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
        max(change_number) as line_change_number,

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
    {% if is_incremental() -%}
        where order_key in ({{ few_values('orders_to_sum', 'order_key') }})
    {%- endif %}
    group by order_key
),

-- The order system can't tell a telephone's browser from a computer's.
summed as {% if is_incremental() %}{{ materialized() }} {% endif %}(
    select
        aggregated.order_key,
        aggregated.order_id,
        aggregated.customer_id,
        aggregated.source_name,
        case
            when aggregated.is_from_event then 'events'
            when orders_seen_in_events.order_key is not null then 'both'
            else 'orders'
        end as order_evidence,
        aggregated.currency_code,
        aggregated.country,
        case
            when
                aggregated.channel = 'web'
                and orders_seen_in_events.is_on_telephone = 1
                then 'mobile'
            else aggregated.channel
        end as channel,
        aggregated.n_lines,
        aggregated.purchased_quantity,
        aggregated.gross_amount,
        aggregated.discount_amount,
        aggregated.refund_amount,
        aggregated.tax_amount,
        aggregated.line_change_number,
        aggregated.is_purchase,
        aggregated.is_cancelled,
        aggregated.ordered_at,
        aggregated.ordered_date
    from aggregated
    left join orders_seen_in_events
        on aggregated.order_key = orders_seen_in_events.order_key
),

{% if is_incremental() -%}
touched_customers as (
    select customer_id from summed
    where customer_id is not null
    union distinct
    select standing_customer_id as customer_id from compared
    where standing_customer_id is not null
),

-- Their other orders stand, but maybe in another place.
revisited_orders as (
    select
        {{ summed_columns | join(', ') }},
        customer_order_number as standing_order_number,
        previous_ordered_date as standing_previous_date
    from standing_orders
    where
        customer_id in ({{ few_values('touched_customers', 'customer_id') }})
        and is_purchase
        and order_key not in (select compared.order_key from compared)
),

{% endif -%}
orders as (
    select
        {{ summed_columns | join(', ') }},
        0 as standing_order_number,
        cast(null as date) as standing_previous_date
    from summed
    {% if is_incremental() -%}
        union all
        select * from revisited_orders
    {%- endif %}
),

-- Only purchases of a known customer have a place in that customer's history.
numbered as (
    select
        *,
        case
            when is_purchase
                then row_number() over (
                    partition by customer_id, case when is_purchase then 1 else 0 end
                    order by ordered_at, order_key
                )
        end as customer_order_number,
        case
            when is_purchase
                then lag(ordered_date) over (
                    partition by customer_id, case when is_purchase then 1 else 0 end
                    order by ordered_at, order_key
                )
        end as previous_ordered_date
    from orders
),

changed as (
    select
        {{ summed_columns | join(', ') }},
        customer_order_number,
        previous_ordered_date
    from numbered
    {% if is_incremental() -%}
        where
            standing_order_number = 0
            or standing_order_number <> customer_order_number
            or coalesce(standing_previous_date, cast('0001-01-01' as date))
            <> coalesce(previous_ordered_date, cast('0001-01-01' as date))
        union all
        select
            order_key,
            {% for column in summed_columns[1:] -%}
            null as {{ column }},
            {% endfor -%}
            null as customer_order_number,
            null as previous_ordered_date
        from compared
        where is_gone
    {%- endif %}
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
        customer_order_number,
        n_lines,
        purchased_quantity,
        gross_amount,
        discount_amount,
        refund_amount,
        tax_amount,
        line_change_number,

        -- flags
        is_purchase,
        is_cancelled,

        -- times
        ordered_at,
        ordered_date,
        previous_ordered_date
    from changed
)

select * from final
