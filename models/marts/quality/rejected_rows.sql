{% set sources_that_are_on = "'" ~ var('sources') | join("', '") ~ "'" -%}
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
    where
        load_status = 'loaded'
        and source_name in ({{ sources_that_are_on }})
),

rejected_lines as (
    select * from {{ ref('stg_landing__rejected_lines') }}
),

landed_records as (
    select * from {{ ref('int_landed_records') }}
    where record_status = 'rejected' and record_type <> 'event'
),

events_rejected as (
    select * from {{ ref('int_events_rejected') }}
),

records as (
    select
        load_id,
        'line' as position_type,
        line_number as position_number,
        reject_reason
    from rejected_lines
    union all
    select
        load_id,
        'record' as position_type,
        record_number as position_number,
        reject_reason
    from landed_records
    union all
    select
        load_id,
        'record' as position_type,
        record_number as position_number,
        reject_reason
    from events_rejected
),

final as (
    select
        -- keys
        {{ hash_key([
            'records.load_id', 'records.position_type', 'records.position_number',
        ]) }} as rejected_record_key,
        records.load_id as load_number,

        -- attributes
        loads.source_name,
        loads.stream_name,
        loads.file_path,
        records.position_type,
        records.reject_reason,

        -- measures
        cast(records.position_number as bigint) as position_number
    from records
    inner join loads
        on records.load_id = loads.load_id
)

select * from final
