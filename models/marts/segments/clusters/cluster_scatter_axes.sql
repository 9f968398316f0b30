with

axes as (
    select * from {{ ref('stg_python__cluster_scatter_axes') }}
),

final as (
    select
        -- keys
        {{ hash_key(['as_of_date', 'axis_number', 'feature_name']) }} as axis_key,
        model_id,
        as_of_date,

        -- attributes
        axis_number,
        feature_name,

        -- measures
        loading as loading_score,
        variance_rate
    from axes
)

select * from final
