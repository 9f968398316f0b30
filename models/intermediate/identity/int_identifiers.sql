{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='compact_identifier_key',
        on_schema_change='fail',
    )
}}
{% set limits = var('identity_limits') -%}
-- What each identifier is, and whether it links. Counted again are those in
-- combinations or pairs that changed; where the rules themselves changed, all of them.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

combinations as {{ not_materialized() }} (
    select * from {{ ref('int_identifier_combinations') }}
),

standing_combinations as {{ not_materialized() }} (
    select * from combinations
    where not is_gone
),

pairs as {{ not_materialized() }} (
    select * from {{ ref('int_identifier_pairs') }}
),

standing_pairs as {{ not_materialized() }} (
    select * from pairs
    where not is_gone
),

-- Addresses and numbers are known by their keys only.
blocked_values as (
    select
        identifier_type,
        case identifier_type
            when 'email_hash'
                then {{ identifier_key('email_hash', 'identifier_value') }}
            when 'phone_hash'
                then {{ identifier_key('phone_hash', 'identifier_value') }}
            else identifier_value
        end as identifier_value
    from {{ ref('blocked_identifiers') }}
    group by identifier_type, identifier_value
),

-- Seed and vars that decide what links; another key where one of them changed.
rules as (
    select
        {{ hash_key([
            dbt.listagg(
                "identifier_type || ':' || identifier_value", "','",
                'order by identifier_type, identifier_value'
            ),
            "'" ~ (limits | tojson) ~ var('identifier_max_length') ~ "'",
        ]) }} as rules_key
    from blocked_values
),

newest as (
    select
        (select max(loads.load_id) from loads) as load_id,
        (select max(combinations.change_number) from combinations)
            as combination_change_number,
        (select max(pairs.change_number) from pairs) as pair_change_number,
        (select rules.rules_key from rules) as rules_key
),

{% if is_incremental() -%}
standing_identifiers as {{ not_materialized() }} (
    select * from {{ this }}
),

watermark as (
    select
        coalesce(max(change_number), 0) as change_number,
        coalesce(max(combination_change_number), 0) as combination_change_number,
        coalesce(max(pair_change_number), 0) as pair_change_number
    from standing_identifiers
),

changed_combinations as {{ materialized() }} (
    select * from combinations
    where
        change_number > (select watermark.combination_change_number from watermark)
),

changed_sightings as (
    {{ unpivot_identifiers('changed_combinations') }}
),

changed_pairs as (
    select * from pairs
    where change_number > (select watermark.pair_change_number from watermark)
),

touched_identifiers as {{ materialized() }} (
    select compact_identifier_key from changed_sightings
    union distinct
    select left_key as compact_identifier_key from changed_pairs
    union distinct
    select right_key as compact_identifier_key from changed_pairs
    union distinct
    select compact_identifier_key from standing_identifiers
    where rules_key <> (select rules.rules_key from rules)
),

touched_standing as {{ materialized() }} (
    select
        compact_identifier_key,
        identifier_type
    from standing_identifiers
    where
        compact_identifier_key
        in ({{ few_values('touched_identifiers', 'compact_identifier_key') }})
),

{% else -%}
watermark as (
    select 0 as change_number
),

{% endif -%}
sightings as (
    {{ unpivot_identifiers('standing_combinations') }}
),

identifiers as (
    select
        sightings.compact_identifier_key,
        min(sightings.identifier_type) as identifier_type,
        min(sightings.identifier_value) as identifier_value,
        cast(sum(sightings.n_records) as {{ dbt.type_bigint() }}) as n_records,
        min(sightings.first_seen_at) as first_seen_at,
        max(sightings.last_seen_at) as last_seen_at
    from sightings
    {% if is_incremental() -%}
        inner join touched_identifiers
            on
                sightings.compact_identifier_key
                = touched_identifiers.compact_identifier_key
    {%- endif %}
    group by sightings.compact_identifier_key
),

-- The right one of a pair is strong always, the left one unless it is a device.
strong_meetings as (
    select left_key as compact_identifier_key
    from standing_pairs
    union all
    select right_key as compact_identifier_key
    from standing_pairs
    where left_type not in ('anonymous_id', 'ga4_pseudo_id')
),

meetings_per_identifier as (
    select
        strong_meetings.compact_identifier_key,
        count(*) as n_strong_identifiers
    from strong_meetings
    {% if is_incremental() -%}
        inner join touched_identifiers
            on
                strong_meetings.compact_identifier_key
                = touched_identifiers.compact_identifier_key
    {%- endif %}
    group by strong_meetings.compact_identifier_key
),

judged as (
    select
        identifiers.*,
        coalesce(meetings_per_identifier.n_strong_identifiers, 0)
            as n_strong_identifiers,
        case
            when
                length(identifiers.identifier_value)
                > {{ var('identifier_max_length') }}
                then 'too_long'
            when blocked_of_type.identifier_value is not null then 'blocked_value'
            when blocked_of_any_type.identifier_value is not null then 'blocked_value'
            when
                meetings_per_identifier.n_strong_identifiers
                > case identifiers.identifier_type
                    {%- for identifier_type, n_most in limits.items() %}
                    when '{{ identifier_type }}' then {{ n_most }}
                    {%- endfor %}
                end
                then 'too_many_identifiers'
        end as block_reason,
        false as is_gone
    from identifiers
    left join meetings_per_identifier
        on
            identifiers.compact_identifier_key
            = meetings_per_identifier.compact_identifier_key
    left join blocked_values as blocked_of_type
        on
            identifiers.identifier_type = blocked_of_type.identifier_type
            and lower(identifiers.identifier_value) = blocked_of_type.identifier_value
    left join blocked_values as blocked_of_any_type
        on
            lower(identifiers.identifier_value) = blocked_of_any_type.identifier_value
            and blocked_of_any_type.identifier_type = 'any'
    {% if is_incremental() -%}
        union all
        select
            standing_identifiers.compact_identifier_key,
            standing_identifiers.identifier_type,
            cast(null as {{ dbt.type_string() }}) as identifier_value,
            cast(0 as {{ dbt.type_bigint() }}) as n_records,
            cast(null as {{ dbt.type_timestamp() }}) as first_seen_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_seen_at,
            0 as n_strong_identifiers,
            cast(null as {{ dbt.type_string() }}) as block_reason,
            true as is_gone
        from touched_standing as standing_identifiers
        left join identifiers
            on
                standing_identifiers.compact_identifier_key
                = identifiers.compact_identifier_key
        where identifiers.compact_identifier_key is null
    {%- endif %}
),

final as (
    select
        -- keys
        judged.compact_identifier_key,

        -- attributes
        judged.identifier_type,
        judged.identifier_value,
        case
            when judged.identifier_type in ('anonymous_id', 'ga4_pseudo_id')
                then 'device'
            else 'strong'
        end as identifier_strength,
        judged.block_reason,
        newest.rules_key,

        -- measures
        judged.n_records,
        judged.n_strong_identifiers,
        watermark.change_number + 1 as change_number,
        newest.combination_change_number,
        newest.pair_change_number,
        newest.load_id as changed_at_load_id,

        -- flags
        judged.is_gone,

        -- times
        judged.first_seen_at,
        judged.last_seen_at
    from judged
    cross join watermark
    cross join newest
)

select * from final
