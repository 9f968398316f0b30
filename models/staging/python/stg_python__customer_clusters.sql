with

source as (
    select * from {{ source('python', 'customer_clusters') }}
),

final as (
    select
        customer_id,
        as_of_date,
        model_id,
        cluster_number,
        centroid_distance
    from source
)

select * from final
