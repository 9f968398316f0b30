with

source as (
    select * from {{ source('python', 'clusters') }}
),

final as (
    select
        model_id,
        cluster_number,
        working_name,
        n_customers,
        is_new
    from source
)

select * from final
