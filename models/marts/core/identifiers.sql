with

identifiers as (
    select * from {{ ref('int_identifiers') }}
),

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

final as (
    select
        -- keys
        identifiers.identifier_key,
        customer_identifiers.customer_id,

        -- attributes
        identifiers.identifier_type,
        identifiers.identifier_value,
        identifiers.block_reason,

        -- measures
        cast(identifiers.n_records as bigint) as n_records,
        cast(identifiers.n_strong_identifiers as bigint) as n_strong_identifiers,

        -- flags
        identifiers.identifier_strength = 'strong' as is_strong,

        -- times
        identifiers.first_seen_at,
        identifiers.last_seen_at
    from identifiers
    left join customer_identifiers
        on identifiers.identifier_key = customer_identifiers.identifier_key
)

select * from final
