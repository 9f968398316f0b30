with

source as (
    select * from {{ source('python', 'cluster_centroids') }}
),

final as (
    select
        model_id,
        cluster_number,
        feature_name,
        centroid_value
    from source
)

select * from final
