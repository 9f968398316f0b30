with

source as (
    select * from {{ source('landing', 'erased_records') }}
),

final as (
    select
        load_id,
        sum(n_records) as n_records
    from source
    group by load_id
)

select * from final
