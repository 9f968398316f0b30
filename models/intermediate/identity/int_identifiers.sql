{% set limits = var('identity_limits') -%}
with

sightings as (
    select * from {{ ref('int_identifier_sightings') }}
),

pairs as (
    select * from {{ ref('int_identifier_pairs') }}
),

blocked_values as (
    select * from {{ ref('blocked_identifiers') }}
),

-- Addresses and numbers are known by their keys only.
blocked_identifiers as (
    select
        identifier_type,
        case identifier_type
            when 'email_hash'
                then {{ identifier_key('email_hash', 'identifier_value') }}
            when 'phone_hash'
                then {{ identifier_key('phone_hash', 'identifier_value') }}
            else identifier_value
        end as identifier_value
    from blocked_values
),

strong_meetings as (
    select
        left_identifier_key as identifier_key,
        right_identifier_key as strong_identifier_key
    from pairs
    where right_identifier_strength = 'strong'
    union all
    select
        right_identifier_key as identifier_key,
        left_identifier_key as strong_identifier_key
    from pairs
    where left_identifier_strength = 'strong'
),

meetings_per_identifier as (
    select
        identifier_key,
        count(*) as n_strong_identifiers
    from strong_meetings
    group by identifier_key
),

identifiers as (
    select
        identifier_key,
        identifier_type,
        identifier_value,
        identifier_strength,
        sum(n_records) as n_records,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from sightings
    group by identifier_key, identifier_type, identifier_value, identifier_strength
),

limited as (
    select
        identifiers.*,
        coalesce(meetings_per_identifier.n_strong_identifiers, 0)
            as n_strong_identifiers,
        case identifiers.identifier_type
            {%- for identifier_type, n_most in limits.items() %}
            when '{{ identifier_type }}' then {{ n_most }}
            {%- endfor %}
        end as n_strong_identifiers_limit
    from identifiers
    left join meetings_per_identifier
        on identifiers.identifier_key = meetings_per_identifier.identifier_key
),

-- A value is blocked for its own type or for all of them.
blocked_keys as (
    select limited.identifier_key
    from limited
    inner join blocked_identifiers
        on
            lower(limited.identifier_value) = blocked_identifiers.identifier_value
            and blocked_identifiers.identifier_type in (limited.identifier_type, 'any')
    group by limited.identifier_key
),

final as (
    select
        -- keys
        limited.identifier_key,

        -- attributes
        limited.identifier_type,
        case
            when length(limited.identifier_value) <= {{ var('identifier_max_length') }}
                then limited.identifier_value
        end as identifier_value,
        limited.identifier_strength,
        case
            when length(limited.identifier_value) > {{ var('identifier_max_length') }}
                then 'too_long'
            when blocked_keys.identifier_key is not null then 'blocked_value'
            when limited.n_strong_identifiers > limited.n_strong_identifiers_limit
                then 'too_many_identifiers'
        end as block_reason,

        -- measures
        limited.n_records,
        limited.n_strong_identifiers,

        -- times
        limited.first_seen_at,
        limited.last_seen_at
    from limited
    left join blocked_keys
        on limited.identifier_key = blocked_keys.identifier_key
)

select * from final
