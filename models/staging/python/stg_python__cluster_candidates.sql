with

source as (
    select * from {{ source('python', 'cluster_candidates') }}
),

final as (
    select
        model_id,
        algorithm,
        n_clusters,
        silhouette_score,
        stability_score,
        inertia,
        gap_score,
        needed_gap_score,
        is_elbow,
        is_chosen,
        decision
    from source
)

select * from final
