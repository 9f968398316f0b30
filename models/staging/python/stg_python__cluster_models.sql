with

source as (
    select * from {{ source('python', 'cluster_models') }}
),

final as (
    select
        model_id,
        as_of_date,
        algorithm,
        n_clusters,
        n_customers,
        n_sampled_customers,
        silhouette_score,
        stability_score,
        inertia,
        outcome_code,
        outcome,
        previous_model_id
    from source
)

select * from final
