with

source as (
    select * from {{ source('landing', 'rejected_lines') }}
),

final as (
    select
        load_id,
        line_number,
        reason_code as reject_reason
    from source
)

select * from final
