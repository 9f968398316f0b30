{{ config(meta={'dagster': {'ref': {'name': 'dim_customer_segments'}}}) }}

-- Guards that the columns hold each customer's segments as `customer_segments` does,
-- and nobody's more than once: sums over a column are sums over customers.
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
    where segment not in ('none', 'merged')
),

dim_customer_segments as (
    select * from {{ ref('dim_customer_segments') }}
),

stacked as (
    select
        'rfm' as segment_set,
        rfm_segment as segment
    from dim_customer_segments
    union all
    select
        'lifecycle' as segment_set,
        lifecycle_segment as segment
    from dim_customer_segments
    union all
    select
        'cluster' as segment_set,
        cluster_segment as segment
    from dim_customer_segments
),

counted as (
    select
        segment_set,
        segment,
        1 as n_customers
    from customer_segments
    where segment_set in ('rfm', 'lifecycle', 'cluster')
    union all
    select
        segment_set,
        segment,
        -1 as n_customers
    from stacked
    where segment <> 'none'
    union all
    -- A rule's members by the separators in the text: one less than there are rules.
    select
        'rules' as segment_set,
        'all' as segment,
        1 as n_customers
    from customer_segments
    where segment_set not in ('rfm', 'lifecycle', 'cluster')
    union all
    select
        'rules' as segment_set,
        'all' as segment,
        -1 - length(rule_segments) + length(replace(rule_segments, ',', ''))
            as n_customers
    from dim_customer_segments
    where rule_segments <> 'none'
),

final as (
    select
        segment_set,
        segment,
        sum(n_customers) as n_customers_missing
    from counted
    group by segment_set, segment
    having sum(n_customers) <> 0
)

select * from final
