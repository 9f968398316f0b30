with

source as (
    select * from {{ source('python', 'persona_importances') }}
),

final as (
    select
        model_id,
        as_of_date,
        cluster_number,
        feature_name,
        importance_score,
        importance_deviation
    from source
)

select * from final
