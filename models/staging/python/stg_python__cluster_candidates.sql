with

source as (
    select * from {{ source('python', 'cluster_candidates') }}
),

final as (
    select
        model_id,
        n_clusters,
        silhouette_score,
        inertia,
        is_elbow,
        is_chosen
    from source
)

select * from final
