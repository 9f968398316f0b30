with

source as (
    select * from {{ source('python', 'cluster_model_features') }}
),

final as (
    select
        model_id,
        feature_name,
        lower_bound,
        upper_bound,
        transform,
        center,
        scale,
        coalesce(mean, center) as mean,
        coalesce(standard_deviation, scale) as standard_deviation,
        is_used
    from source
)

select * from final
