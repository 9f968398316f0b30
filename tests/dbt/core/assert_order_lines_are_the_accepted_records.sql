{{ config(meta={'dagster': {'ref': {'name': 'fct_order_lines'}}}) }}

-- Guards the way from landed records to facts: every line of an accepted record, and
-- every order that only events know, is a line once, with its units, and no line comes
-- from elsewhere.
with

pos_records as (
    select * from {{ ref('int_order_lines_classified') }}
    where record_status = 'accepted'
),

shopify_records as (
    select * from {{ ref('int_shopify_order_lines_unioned') }}
),

event_records as (
    select * from {{ ref('int_event_orders_matched') }}
    where is_order
),

records as (
    select
        order_line_key,
        quantity
    from pos_records
    union all
    select
        order_line_key,
        quantity
    from shopify_records
    union all
    select
        {{ hash_key(['order_key', "'event'"]) }} as order_line_key,
        quantity
    from event_records
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

counted_records as (
    select
        order_line_key,
        count(*) as n_rows,
        sum(quantity) as quantity
    from records
    group by order_line_key
),

counted_lines as (
    select
        order_line_key,
        count(*) as n_rows,
        sum(quantity) as quantity
    from order_lines
    group by order_line_key
),

final as (
    select
        counted_records.order_line_key as record_key,
        counted_lines.order_line_key as line_key
    from counted_records
    full outer join counted_lines
        on counted_records.order_line_key = counted_lines.order_line_key
    where
        counted_records.order_line_key is null
        or counted_lines.order_line_key is null
        or counted_records.n_rows <> 1
        or counted_lines.n_rows <> 1
        or counted_records.quantity <> counted_lines.quantity
)

select * from final
