with

source as (
    select * from {{ source('python', 'cluster_drift') }}
),

final as (
    select
        as_of_date,
        model_id,
        measure_type,
        measure_name,
        psi_score,
        max_psi_score,
        n_customers,
        is_drifted
    from source
)

select * from final
