with

known_assignments as (
    select * from {{ ref('stg_python__customer_clusters') }}
    where as_of_date <= {{ as_of_date() }}
),

newest_assignments as (
    select max(as_of_date) as as_of_date
    from known_assignments
),

-- Between two runs of Python a customer stays where the last one put them.
assignments as (
    select known_assignments.*
    from known_assignments
    inner join newest_assignments
        on known_assignments.as_of_date = newest_assignments.as_of_date
),

clusters as (
    select * from {{ ref('stg_python__clusters') }}
),

-- Whoever no longer agrees to personalization leaves at once.
customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
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
    inner join customers
        on assignments.customer_id = customers.customer_id
    left join clusters
        on
            assignments.model_id = clusters.model_id
            and assignments.cluster_number = clusters.cluster_number
)

select * from final
