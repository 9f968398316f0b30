with

source as (
    select * from {{ source('python', 'persona_classifiers') }}
),

final as (
    select
        model_id,
        as_of_date,
        n_clusters,
        n_customers,
        n_trained_customers,
        n_held_out_customers,
        accuracy_rate,
        majority_rate,
        balanced_accuracy_rate,
        balanced_accuracy_lower_rate,
        chance_rate,
        outcome_code,
        outcome
    from source
)

select * from final
