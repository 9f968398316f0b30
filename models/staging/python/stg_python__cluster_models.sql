with

source as (
    select * from {{ source('python', 'cluster_models') }}
),

final as (
    select
        model_id,
        as_of_date,
        algorithm,
        scaler,
        n_clusters,
        n_customers,
        n_sampled_customers,
        silhouette_score,
        stability_score,
        inertia,
        outcome_code,
        outcome,
        code_version,
        previous_model_id,
        refit_reason,
        -- Models of before there was a comparison took over, all of them.
        coalesce(is_promoted, true) as is_promoted,
        promotion_reason,
        frozen_silhouette_score,
        frozen_stability_score
    from source
)

select * from final
