{{
    config(
        materialized='connected_components',
        edge_columns=['left_identifier_key', 'right_identifier_key'],
    )
}}

-- Devices are left out: two users are never one customer over a device.
with

identifiers as (
    select * from {{ ref('int_identifiers') }}
    where identifier_strength = 'strong'
),

pairs as (
    select * from {{ ref('int_identifier_pairs') }}
    where
        left_identifier_strength = 'strong'
        and right_identifier_strength = 'strong'
),

linking_identifiers as (
    select * from identifiers
    where block_reason is null
),

accepted_pairs as (
    select
        pairs.left_identifier_key,
        pairs.right_identifier_key
    from pairs
    inner join linking_identifiers as left_identifiers
        on pairs.left_identifier_key = left_identifiers.identifier_key
    inner join linking_identifiers as right_identifiers
        on pairs.right_identifier_key = right_identifiers.identifier_key
),

final as (
    select
        left_identifier_key,
        right_identifier_key
    from accepted_pairs
    union all
    select
        identifier_key as left_identifier_key,
        identifier_key as right_identifier_key
    from identifiers
)

select * from final
