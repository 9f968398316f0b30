{{ config(meta={'dagster': {'ref': {'name': 'segment_memberships'}}}) }}

-- Guards that no set holds another's value: labels of the RFM seed, stages of the
-- lifecycle, numbered clusters, and for a rule only its own name; anywhere `none`.
with

segment_memberships as (
    select * from {{ ref('segment_memberships') }}
    where segment not in ('none', 'merged')
),

rfm_segments as (
    select * from {{ ref('rfm_segments') }}
),

clusters as (
    select * from {{ ref('stg_python__clusters') }}
),

customer_lifecycle as (
    select * from {{ ref('customer_lifecycle_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

allowed as (
    select
        'rfm' as segment_set,
        segment
    from rfm_segments
    union distinct
    select
        'rfm' as segment_set,
        'inactive' as segment
    union distinct
    select
        'lifecycle' as segment_set,
        segment
    from customer_lifecycle
    union distinct
    select
        'cluster' as segment_set,
        'cluster_' || cast(cluster_number as {{ dbt.type_string() }}) as segment
    from clusters
    union distinct
    select
        segment_set,
        segment_set as segment
    from segment_memberships
    where segment_set not in ('rfm', 'lifecycle', 'cluster')
),

final as (
    select
        segment_memberships.segment_set,
        segment_memberships.segment
    from segment_memberships
    left join allowed
        on
            segment_memberships.segment_set = allowed.segment_set
            and segment_memberships.segment = allowed.segment
    where allowed.segment is null
)

select * from final
