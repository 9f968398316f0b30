with

identifier_edges as (
    select * from {{ ref('int_identifier_edges') }}
    where reject_reason is not null
),

identifiers as {{ not_materialized() }} (
    select * from {{ ref('int_identifiers_resolved') }}
),

-- The smaller key stands first.
keyed as (
    select
        left_identifiers.identifier_key < right_identifiers.identifier_key
            as is_in_order,
        left_identifiers.identifier_key as one_identifier_key,
        right_identifiers.identifier_key as other_identifier_key,
        identifier_edges.*
    from identifier_edges
    inner join identifiers as left_identifiers
        on identifier_edges.left_key = left_identifiers.compact_identifier_key
    inner join identifiers as right_identifiers
        on identifier_edges.right_key = right_identifiers.compact_identifier_key
),

ordered as (
    select
        *,
        case when is_in_order then one_identifier_key else other_identifier_key end
            as left_identifier_key,
        case when is_in_order then other_identifier_key else one_identifier_key end
            as right_identifier_key,
        case when is_in_order then left_type else right_type end
            as left_identifier_type,
        case when is_in_order then right_type else left_type end
            as right_identifier_type
    from keyed
),

final as (
    select
        -- keys
        {{ hash_key(['left_identifier_key', 'right_identifier_key']) }} as edge_key,
        left_identifier_key,
        right_identifier_key,

        -- attributes
        left_identifier_type,
        right_identifier_type,
        evidence,
        reject_reason,

        -- measures
        cast(n_records as bigint) as n_records,

        -- times
        first_seen_at,
        last_seen_at
    from ordered
)

select * from final
