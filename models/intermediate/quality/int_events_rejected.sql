{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id not in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status = 'loaded'
        )",
    )
}}

-- The few among very many, kept apart so that nobody has to look for them again. What
-- staging refused once stays refused.
with

rejected_events as (
    select * from {{ ref('int_events_classified') }}
    where record_status = 'rejected'
),

final as (
    select
        -- keys
        load_id,
        record_number,

        -- attributes
        reject_reason,

        -- measures
        classified_at_load_id
    from rejected_events
    {% if is_incremental() -%}
        where
            classified_at_load_id
            > (select coalesce(max(classified_at_load_id), 0) from {{ this }})
    {%- endif %}
)

select * from final
