with

source as (
    select * from {{ source('landing', 'load_manifest') }}
),

final as (
    select
        load_id,
        source_name,
        stream_name,
        {{ mask_contacts('file_path') }} as file_path,
        load_status,
        n_records,
        n_rejected,
        loaded_at
    from source
)

select * from final
