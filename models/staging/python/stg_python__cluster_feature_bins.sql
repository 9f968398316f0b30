with

source as (
    select * from {{ source('python', 'cluster_feature_bins') }}
),

final as (
    select
        model_id,
        feature_name,
        bin_number,
        upper_bound,
        n_customers
    from source
)

select * from final
