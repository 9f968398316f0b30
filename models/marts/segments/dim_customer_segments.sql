{{ config(materialized='view') }}

-- Whoever was found to be another customer is counted as that one.
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
    where segment <> 'merged'
),

pivoted as (
    select
        customer_id,
        max(case when segment_set = 'rfm' then segment end) as rfm_segment,
        max(case when segment_set = 'lifecycle' then segment end) as lifecycle_segment,
        max(case when segment_set = 'cluster' then segment end) as cluster_segment,
        {{ dbt.listagg(
            "case when segment_set not in ('rfm', 'lifecycle', 'cluster') "
            "and segment <> 'none' then segment end",
            "', '",
            'order by segment'
        ) }} as rule_segments
    from customer_segments
    group by customer_id
),

final as (
    select
        -- keys
        customer_id,

        -- attributes
        coalesce(rfm_segment, 'none') as rfm_segment,
        coalesce(lifecycle_segment, 'none') as lifecycle_segment,
        coalesce(cluster_segment, 'none') as cluster_segment,
        coalesce(rule_segments, 'none') as rule_segments
    from pivoted
)

select * from final
