with

source as (
    select * from {{ source('python', 'persona_recognitions') }}
),

final as (
    select
        model_id,
        as_of_date,
        cluster_number,
        n_customers,
        n_held_out_customers,
        recall_rate,
        balanced_accuracy_rate,
        balanced_accuracy_lower_rate,
        discrimination_score,
        is_distinguishable,
        reason
    from source
)

select * from final
