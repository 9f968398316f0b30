-- Whoever was found to be another customer is counted as that one.
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
    where segment <> 'merged'
),

exclusive_segments as (
    select
        customer_id,
        max(case when segment_set = 'rfm' then segment end) as rfm_segment,
        max(case when segment_set = 'lifecycle' then segment end) as lifecycle_segment,
        max(case when segment_set = 'cluster' then segment end) as cluster_segment
    from customer_segments
    where segment_set in ('rfm', 'lifecycle', 'cluster')
    group by customer_id
),

-- Apart, since texts are put in order and most rules apply to few.
rule_segments as (
    select
        customer_id,
        {{ dbt.listagg('segment', "', '", 'order by segment') }} as rule_segments
    from customer_segments
    where segment_set not in ('rfm', 'lifecycle', 'cluster') and segment <> 'none'
    group by customer_id
),

final as (
    select
        -- keys
        exclusive_segments.customer_id,

        -- attributes
        coalesce(exclusive_segments.rfm_segment, 'none') as rfm_segment,
        coalesce(exclusive_segments.lifecycle_segment, 'none') as lifecycle_segment,
        coalesce(exclusive_segments.cluster_segment, 'none') as cluster_segment,
        coalesce(rule_segments.rule_segments, 'none') as rule_segments
    from exclusive_segments
    left join rule_segments
        on exclusive_segments.customer_id = rule_segments.customer_id
)

select * from final
