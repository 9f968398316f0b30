with

models as (
    select * from {{ ref('stg_python__cluster_models') }}
),

current_models as (
    select min(model_id) as model_id
    from {{ ref('customer_clusters') }}
),

final as (
    select
        -- keys
        models.model_id,
        models.as_of_date,

        -- attributes
        models.algorithm as algorithm_name,
        models.scaler as scaler_name,
        models.outcome_code,
        models.outcome,
        models.refit_reason,
        models.promotion_reason,
        models.previous_model_id,

        -- measures
        models.n_clusters,
        models.n_customers,
        models.n_sampled_customers,
        models.silhouette_score,
        models.stability_score,

        -- flags
        models.is_promoted,
        current_models.model_id is not null as is_current
    from models
    left join current_models
        on models.model_id = current_models.model_id
)

select * from final
