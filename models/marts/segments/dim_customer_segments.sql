-- Whoever was found to be another customer is counted as that one.
with

-- Nearly all memberships are in no segment, so only the others are looked at.
memberships as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
    where dbt_valid_to is null and segment not in ('none', 'merged')
),

-- Everybody has a stage of the lifecycle, and be it `none`.
lifecycle_segments as (
    select * from {{ ref('snap_segment_memberships') }}
    where
        dbt_valid_to is null
        and segment_set = 'lifecycle'
        and segment <> 'merged'
),

personalised_customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

rfm_segments as (
    select * from memberships
    where segment_set = 'rfm'
),

-- The same as-of date again leaves history alone, but a withdrawal holds at once.
cluster_segments as (
    select memberships.*
    from memberships
    inner join personalised_customers
        on memberships.customer_id = personalised_customers.customer_id
    where memberships.segment_set = 'cluster'
),

rule_segments as (
    select
        customer_id,
        {{ dbt.listagg('segment', "', '", 'order by segment') }} as rule_segments
    from memberships
    where segment_set not in ('rfm', 'lifecycle', 'cluster')
    group by customer_id
),

final as (
    select
        -- keys
        lifecycle_segments.customer_id,

        -- attributes
        coalesce(rfm_segments.segment, 'none') as rfm_segment,
        lifecycle_segments.segment as lifecycle_segment,
        coalesce(cluster_segments.segment, 'none') as cluster_segment,
        coalesce(rule_segments.rule_segments, 'none') as rule_segments
    from lifecycle_segments
    left join rfm_segments
        on lifecycle_segments.customer_id = rfm_segments.customer_id
    left join cluster_segments
        on lifecycle_segments.customer_id = cluster_segments.customer_id
    left join rule_segments
        on lifecycle_segments.customer_id = rule_segments.customer_id
)

select * from final
