{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='load_id',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status <> 'loaded'
        ) or (record_type = 'order_line' and load_id not in (
            select load_id from {{ ref('int_order_lines_classified') }}
        ))",
    )
}}

-- So few rows that whatever counts records reads these, not the records. A load is
-- counted again when a later one gave a record of it another status, or a later run a
-- line; loads of streams that are classified whole in every run always are.
with

landed_records as {{ not_materialized() }} (
    select * from {{ ref('int_landed_records') }}
),

{% if is_incremental() -%}
standing_counts as (
    select * from {{ this }}
),

-- Each run that classifies has a higher number than those before.
newest_classifications as (
    select
        load_id,
        max(change_number) as change_number
    from landed_records
    where change_number is not null
    group by load_id
),

counted_classifications as (
    select
        load_id,
        max(change_number) as change_number
    from standing_counts
    group by load_id
),

touched_loads as {{ materialized() }} (
    select load_id from landed_records
    where classified_at_load_id is null and change_number is null
    union distinct
    select load_id from landed_records
    where
        classified_at_load_id > (
            select coalesce(max(standing_counts.classified_at_load_id), 0)
            from standing_counts
        )
    union distinct
    select newest_classifications.load_id
    from newest_classifications
    left join counted_classifications
        on newest_classifications.load_id = counted_classifications.load_id
    where
        newest_classifications.change_number
        <> coalesce(counted_classifications.change_number, 0)
),

{% endif -%}
dated as (
    select
        landed_records.*,
        {{ to_business_date('landed_records.record_at') }} as record_date
    from landed_records
    {% if is_incremental() -%}
        where
            landed_records.load_id in ({{ few_values('touched_loads', 'load_id') }})
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
        max(classified_at_load_id) as classified_at_load_id,
        max(change_number) as change_number
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
        change_number,

        -- times
        newest_record_at
    from counted
)

select * from final
