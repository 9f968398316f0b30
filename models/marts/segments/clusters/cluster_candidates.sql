with

candidates as (
    select * from {{ ref('stg_python__cluster_candidates') }}
),

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
        {{ hash_key([
            'candidates.model_id', 'candidates.algorithm', 'candidates.n_clusters'
        ]) }} as candidate_key,
        candidates.model_id,
        models.as_of_date,

        -- attributes
        candidates.algorithm as algorithm_name,
        candidates.decision,

        -- measures
        candidates.n_clusters,
        candidates.silhouette_score,
        candidates.stability_score,
        candidates.inertia as inertia_score,
        candidates.gap_score,
        candidates.needed_gap_score,

        -- flags
        candidates.is_elbow,
        candidates.is_chosen,
        current_models.model_id is not null as is_current
    from candidates
    inner join models
        on candidates.model_id = models.model_id
    left join current_models
        on candidates.model_id = current_models.model_id
)

select * from final
