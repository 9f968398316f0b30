with

source as (
    select * from {{ source('landing', 'file_columns') }}
),

final as (
    select
        load_id,
        column_path,
        value_type,
        is_declared,
        n_records
    from source
)

select * from final
