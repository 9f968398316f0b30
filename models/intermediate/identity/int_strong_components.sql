{{
    config(
        materialized='connected_components',
        edge_columns=['left_key', 'right_key'],
    )
}}

-- Devices are left out: two users are never one customer over a device. So is whoever
-- is linked to nobody.
with

blocked_identifiers as (
    select * from {{ ref('int_identifiers') }}
    where block_reason is not null
),

pairs as (
    select * from {{ ref('int_identifier_pairs') }}
    where not is_gone and left_type not in ('anonymous_id', 'ga4_pseudo_id')
),

final as (
    select
        pairs.left_key,
        pairs.right_key
    from pairs
    left join blocked_identifiers as left_blocked
        on pairs.left_key = left_blocked.compact_identifier_key
    left join blocked_identifiers as right_blocked
        on pairs.right_key = right_blocked.compact_identifier_key
    where
        left_blocked.compact_identifier_key is null
        and right_blocked.compact_identifier_key is null
)

select * from final
