{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['left_key', 'right_key'],
        on_schema_change='fail',
    )
}}

-- Two identifiers met in one record, a device on the left. Two devices say nothing
-- about each other. A pair that is no more stays as a row without content.
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

contact_links as (
    select * from {{ ref('stg_linkage__contact_links') }}
    where is_link
),

newest as (
    select
        (select max(loads.load_id) from loads) as load_id,
        (select max(combinations.change_number) from combinations)
            as combination_change_number
),

{% if is_incremental() -%}
standing_pairs as {{ not_materialized() }} (
    select * from {{ this }}
),

watermark as (
    select
        coalesce(max(change_number), 0) as change_number,
        coalesce(max(combination_change_number), 0) as combination_change_number
    from standing_pairs
),

changed_combinations as {{ materialized() }} (
    select * from combinations
    where
        change_number > (select watermark.combination_change_number from watermark)
),

changed_pairs as (
    {{ pair_identifiers('changed_combinations') }}
),

touched_pairs as {{ materialized() }} (
    select
        left_key,
        right_key
    from changed_pairs
    group by left_key, right_key
),

{% else -%}
watermark as (
    select 0 as change_number
),

{% endif -%}
met_together as (
    {{ pair_identifiers('standing_combinations') }}
),

same_records as (
    select
        met_together.left_key,
        met_together.right_key,
        min(met_together.left_type) as left_type,
        min(met_together.right_type) as right_type,
        'same_record' as evidence,
        cast(sum(met_together.n_records) as {{ dbt.type_bigint() }}) as n_records,
        min(met_together.first_seen_at) as first_seen_at,
        max(met_together.last_seen_at) as last_seen_at
    from met_together
    {% if is_incremental() -%}
        inner join touched_pairs
            on
                met_together.left_key = touched_pairs.left_key
                and met_together.right_key = touched_pairs.right_key
    {%- endif %}
    group by met_together.left_key, met_together.right_key
),

-- Contacts of the CRM that are alike enough, though no record names them together.
linked_contacts as (
    select
        {{ compact_identifier_key('crm_contact_id', 'crm_contact_id_left') }}
            as one_key,
        {{ compact_identifier_key('crm_contact_id', 'crm_contact_id_right') }}
            as other_key
    from contact_links
),

known_contacts as (
    select crm_contact_key
    from standing_combinations
    where crm_contact_key is not null
    group by crm_contact_key
),

alike_contacts as (
    select
        least(linked_contacts.one_key, linked_contacts.other_key) as left_key,
        greatest(linked_contacts.one_key, linked_contacts.other_key) as right_key
    from linked_contacts
    inner join known_contacts as one_contacts
        on linked_contacts.one_key = one_contacts.crm_contact_key
    inner join known_contacts as other_contacts
        on linked_contacts.other_key = other_contacts.crm_contact_key
),

linked_pairs as (
    select
        alike_contacts.left_key,
        alike_contacts.right_key,
        'crm_contact_id' as left_type,
        'crm_contact_id' as right_type,
        'record_linkage' as evidence,
        cast(null as {{ dbt.type_bigint() }}) as n_records,
        cast(null as {{ dbt.type_timestamp() }}) as first_seen_at,
        cast(null as {{ dbt.type_timestamp() }}) as last_seen_at
    from alike_contacts
    {% if is_incremental() -%}
        left join standing_pairs
            on
                alike_contacts.left_key = standing_pairs.left_key
                and alike_contacts.right_key = standing_pairs.right_key
                and not standing_pairs.is_gone
        where standing_pairs.left_key is null
    {%- endif %}
),

{% if is_incremental() -%}
gone_pairs as (
    select standing_pairs.*
    from standing_pairs
    inner join touched_pairs
        on
            standing_pairs.left_key = touched_pairs.left_key
            and standing_pairs.right_key = touched_pairs.right_key
    left join same_records
        on
            standing_pairs.left_key = same_records.left_key
            and standing_pairs.right_key = same_records.right_key
    where same_records.left_key is null
    union all
    select standing_pairs.*
    from standing_pairs
    left join alike_contacts
        on
            standing_pairs.left_key = alike_contacts.left_key
            and standing_pairs.right_key = alike_contacts.right_key
    where
        standing_pairs.evidence = 'record_linkage'
        and not standing_pairs.is_gone
        and alike_contacts.left_key is null
),

{% endif -%}
combined as (
    select
        *,
        false as is_gone
    from same_records
    union all
    select
        *,
        false as is_gone
    from linked_pairs
    {% if is_incremental() -%}
        union all
        select
            left_key,
            right_key,
            left_type,
            right_type,
            evidence,
            cast(0 as {{ dbt.type_bigint() }}) as n_records,
            cast(null as {{ dbt.type_timestamp() }}) as first_seen_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_seen_at,
            true as is_gone
        from gone_pairs
    {%- endif %}
),

final as (
    select
        -- keys
        left_key,
        right_key,

        -- attributes
        left_type,
        right_type,
        evidence,

        -- measures
        n_records,
        (select watermark.change_number + 1 from watermark) as change_number,
        (select newest.combination_change_number from newest)
            as combination_change_number,
        (select newest.load_id from newest) as changed_at_load_id,

        -- flags
        is_gone,

        -- times
        first_seen_at,
        last_seen_at
    from combined
)

select * from final
