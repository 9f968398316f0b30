{{ config(materialized='view') }}

with

identifiers as (
    select * from {{ ref('int_identifiers_resolved') }}
),

final as (
    select
        -- keys
        identifier_key,
        customer_id,

        -- attributes
        identifier_type,
        identifier_value,
        block_reason,

        -- measures
        cast(n_records as bigint) as n_records,
        cast(n_strong_identifiers as bigint) as n_strong_identifiers,

        -- flags
        identifier_strength = 'strong' as is_strong,

        -- times
        first_seen_at,
        last_seen_at
    from identifiers
)

select * from final
