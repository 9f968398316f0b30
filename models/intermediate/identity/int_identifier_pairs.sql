-- Two identifiers met in one record, the smaller key first. Two devices say nothing
-- about each other.
with

sightings as (
    select * from {{ ref('int_identifier_sightings') }}
),

contact_links as (
    select * from {{ ref('stg_linkage__contact_links') }}
    where is_link
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

same_records as (
    select
        left_identifier_key,
        right_identifier_key,
        left_identifier_type,
        right_identifier_type,
        left_identifier_strength,
        right_identifier_strength,
        sum(n_records) as n_records,
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
),

-- Contacts of the CRM that are alike enough, though no record names them together.
linked_contacts as (
    select
        {{ identifier_key('crm_contact_id', 'crm_contact_id_left') }} as one_key,
        {{ identifier_key('crm_contact_id', 'crm_contact_id_right') }} as other_key
    from contact_links
),

known_keys as (
    select identifier_key
    from sightings
    where identifier_type = 'crm_contact_id'
    group by identifier_key
),

alike_contacts as (
    select
        least(linked_contacts.one_key, linked_contacts.other_key)
            as left_identifier_key,
        greatest(linked_contacts.one_key, linked_contacts.other_key)
            as right_identifier_key
    from linked_contacts
    inner join known_keys as one_keys
        on linked_contacts.one_key = one_keys.identifier_key
    inner join known_keys as other_keys
        on linked_contacts.other_key = other_keys.identifier_key
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
        n_records,

        -- times
        first_seen_at,
        last_seen_at
    from same_records
    union all
    select
        left_identifier_key,
        right_identifier_key,
        'crm_contact_id' as left_identifier_type,
        'crm_contact_id' as right_identifier_type,
        'strong' as left_identifier_strength,
        'strong' as right_identifier_strength,
        'record_linkage' as evidence,
        cast(null as bigint) as n_records,
        cast(null as timestamp) as first_seen_at,
        cast(null as timestamp) as last_seen_at
    from alike_contacts
)

select * from final
