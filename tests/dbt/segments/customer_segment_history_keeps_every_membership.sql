{{ config(meta={'dagster': {'ref': {'name': 'customer_segment_history'}}}) }}

-- Guards that each membership of the snapshot has one stay that lasts, in the segment
-- of now: what goes in comes out. Clusters of now are those of `customer_segments`,
-- without whoever withdrew.
with

stays as {{ not_materialized() }} (
    select * from {{ ref('customer_segment_history') }}
),

history as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
    where dbt_valid_to is null and segment_set <> 'cluster'
),

customer_clusters as (
    select * from {{ ref('customer_segments') }}
    where segment_set = 'cluster'
),

lasting as (
    select
        segment_set,
        segment,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from stays
    where is_current
    group by segment_set, segment
),

known as (
    select
        segment_set,
        segment,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from history
    group by segment_set, segment
    union all
    select
        segment_set,
        segment,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from customer_clusters
    group by segment_set, segment
),

misfits as (
    select
        coalesce(lasting.segment_set, known.segment_set) as segment_set,
        coalesce(lasting.segment, known.segment) as segment,
        lasting.n_customers as n_found,
        known.n_customers as n_known
    from lasting
    full outer join known
        on
            lasting.segment_set = known.segment_set
            and lasting.segment = known.segment
    where
        coalesce(lasting.n_customers, 0) <> coalesce(known.n_customers, 0)
        or coalesce(lasting.customers, 0) <> coalesce(known.customers, 0)
)

select * from misfits
