with

source as (
    select * from {{ source('python', 'cluster_changes') }}
),

final as (
    select
        model_id,
        previous_model_id,
        cluster_number,
        change_code,
        n_customers,
        n_previous_customers,
        n_shared_customers,
        overlap_rate,
        match_distance,
        related_cluster_number
    from source
)

select * from final
