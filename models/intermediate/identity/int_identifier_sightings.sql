with

combinations as (
    select * from {{ ref('int_identifier_combinations') }}
),

unpivoted as (
    {{ unpivot_identifiers('combinations') }}
),

-- An alias may name its own device.
final as (
    select
        -- keys
        combination_key,
        identifier_key,

        -- attributes
        identifier_type,
        identifier_value,
        case
            when identifier_type in ('anonymous_id', 'ga4_pseudo_id') then 'device'
            else 'strong'
        end as identifier_strength,

        -- measures
        max(n_records) as n_records,

        -- times
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from unpivoted
    group by combination_key, identifier_key, identifier_type, identifier_value
)

select * from final
