{{ config(meta={'dagster': {'ref': {'name': 'customer_segment_history'}}}) }}

-- Guards that the stays that last are the segments of now, of the same customers each
-- once: what the snapshot holds, less clusters of whoever withdrew.
with

customer_segment_history as (
    select * from {{ ref('customer_segment_history') }}
    where is_current
),

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

lasting as (
    select
        segment_set,
        segment,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from customer_segment_history
    group by segment_set, segment
),

current_ones as (
    select
        segment_set,
        segment,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from customer_segments
    group by segment_set, segment
),

final as (
    select
        coalesce(lasting.segment_set, current_ones.segment_set) as segment_set,
        coalesce(lasting.segment, current_ones.segment) as segment,
        lasting.n_customers as n_lasting,
        current_ones.n_customers as n_current
    from lasting
    full outer join current_ones
        on
            lasting.segment_set = current_ones.segment_set
            and lasting.segment = current_ones.segment
    where
        coalesce(lasting.n_customers, 0) <> coalesce(current_ones.n_customers, 0)
        or coalesce(lasting.customers, 0) <> coalesce(current_ones.customers, 0)
)

select * from final
