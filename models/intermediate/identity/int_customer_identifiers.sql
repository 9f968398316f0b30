{{ config(materialized='view') }}

-- The interface of identity: which customer an identifier stands for.
with

identifiers as (
    select * from {{ ref('int_identifiers_resolved') }}
    where customer_id is not null
),

final as (
    select
        -- keys
        identifier_key,
        compact_identifier_key,
        customer_id,

        -- attributes
        identifier_type,
        identifier_value,
        identifier_strength,

        -- measures
        n_records,
        n_strong_identifiers,
        identifier_change_number as change_number,

        -- times
        first_seen_at,
        last_seen_at
    from identifiers
)

select * from final
