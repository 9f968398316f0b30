with

assignments as (
    select * from {{ ref('stg_python__customer_clusters') }}
    where as_of_date = {{ as_of_date() }}
),

clusters as (
    select * from {{ ref('stg_python__clusters') }}
),

final as (
    select
        -- keys
        assignments.customer_id,
        assignments.as_of_date,
        assignments.model_id,

        -- attributes
        assignments.cluster_number,
        'cluster_' || cast(assignments.cluster_number as {{ dbt.type_string() }})
            as segment,
        clusters.working_name,

        -- measures
        assignments.centroid_distance
    from assignments
    left join clusters
        on
            assignments.model_id = clusters.model_id
            and assignments.cluster_number = clusters.cluster_number
)

select * from final
