{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='load_id',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status <> 'loaded'
        )",
    )
}}

-- So few rows that whatever counts records reads these, not the records. A load is
-- counted again when a later one gave a record of it another status; loads of streams
-- that are classified whole in every run always are.
with

landed_records as (
    select * from {{ ref('int_landed_records') }}
),

{% if is_incremental() -%}
touched_loads as (
    select load_id
    from landed_records
    where
        classified_at_load_id is null
        or classified_at_load_id
        > (select coalesce(max(classified_at_load_id), 0) from {{ this }})
    group by load_id
),

{% endif -%}
dated as (
    select
        landed_records.*,
        {{ to_business_date('landed_records.record_at') }} as record_date
    from landed_records
    {% if is_incremental() -%}
        inner join touched_loads
            on landed_records.load_id = touched_loads.load_id
    {%- endif %}
),

counted as (
    select
        load_id,
        record_type,
        record_status,
        event_name,
        record_date,
        count(*) as n_records,
        max(record_at) as newest_record_at,
        max(classified_at_load_id) as classified_at_load_id
    from dated
    group by load_id, record_type, record_status, event_name, record_date
),

final as (
    select
        -- keys
        {{ hash_key([
            'load_id', 'record_type', 'record_status', 'event_name', 'record_date',
        ]) }} as record_count_key,
        load_id,

        -- attributes
        record_type,
        record_status,
        event_name,
        record_date,

        -- measures
        n_records,
        classified_at_load_id,

        -- times
        newest_record_at
    from counted
)

select * from final
