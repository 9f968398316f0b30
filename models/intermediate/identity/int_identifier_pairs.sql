-- Two identifiers met in one record, the smaller key first. Two devices say nothing
-- about each other.
with

sightings as (
    select * from {{ ref('int_identifier_sightings') }}
),

met_together as (
    select
        sightings.identifier_key as left_identifier_key,
        second_ones.identifier_key as right_identifier_key,
        sightings.identifier_type as left_identifier_type,
        second_ones.identifier_type as right_identifier_type,
        sightings.identifier_strength as left_identifier_strength,
        second_ones.identifier_strength as right_identifier_strength,
        sightings.n_records,
        sightings.first_seen_at,
        sightings.last_seen_at
    from sightings
    inner join sightings as second_ones
        on
            sightings.combination_key = second_ones.combination_key
            and sightings.identifier_key < second_ones.identifier_key
    where
        sightings.identifier_strength = 'strong'
        or second_ones.identifier_strength = 'strong'
),

final as (
    select
        -- keys
        left_identifier_key,
        right_identifier_key,

        -- attributes
        left_identifier_type,
        right_identifier_type,
        left_identifier_strength,
        right_identifier_strength,
        'same_record' as evidence,

        -- measures
        sum(n_records) as n_records,

        -- times
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from met_together
    group by
        left_identifier_key,
        right_identifier_key,
        left_identifier_type,
        right_identifier_type,
        left_identifier_strength,
        right_identifier_strength
)

select * from final
