with

source as (
    select * from {{ source('python', 'cluster_scatter_axes') }}
),

final as (
    select
        model_id,
        as_of_date,
        axis_number,
        feature_name,
        loading,
        variance_rate
    from source
)

select * from final
