{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'stream_key'],
        on_schema_change='fail',
    )
}}
{% set id_columns = [
    'anonymous_id', 'previous_id', 'ga4_pseudo_id', 'user_id', 'email_hash',
    'phone_hash', 'shopify_customer_id', 'crm_contact_id', 'loyalty_id',
] -%}
{% set key_columns = [
    'anonymous_key', 'previous_key', 'ga4_pseudo_key', 'user_key', 'email_key',
    'phone_key', 'shopify_customer_key', 'crm_contact_key', 'loyalty_key',
] -%}
{% set id_types = ['anonymous_id', 'anonymous_id'] + id_columns[2:] -%}
-- What was met together: every stream of records that names people joins here, with a
-- column for each type of identifier. Of events what one device's said in one load is
-- counted again where one of them changed; the other streams are compared as a whole.
-- A combination that is no more stays as a row without content, so that what reads
-- changes sees it.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

all_events as {{ not_materialized() }} (
    select * from {{ ref('int_events_classified') }}
),

order_lines as (
    select * from {{ ref('int_order_lines_unioned') }}
),

shopify_customers as (
    select * from {{ ref('int_shopify_customers_classified') }}
    where record_status = 'accepted'
),

-- A contact is known since its first version, whose identifiers may have been others.
contact_versions as (
    select
        *,
        min(updated_at) over (partition by crm_contact_id) as first_updated_at
    from {{ ref('int_crm_contacts_classified') }}
    where record_status <> 'rejected'
),

contacts as (
    select * from contact_versions
    where record_status = 'accepted'
),

newest as (
    select
        (select max(loads.load_id) from loads) as load_id,
        (select max(all_events.classified_at_load_id) from all_events)
            as classified_at_load_id
),

{% if is_incremental() -%}
standing_combinations as {{ not_materialized() }} (
    select * from {{ this }}
),

watermark as (
    select
        coalesce(max(change_number), 0) as change_number,
        coalesce(max(classified_at_load_id), 0) as classified_at_load_id
    from standing_combinations
),

-- Streams of loads with an event that is new or another, or with a file that a newer
-- version replaced.
touched_streams as {{ materialized() }} (
    select
        load_id,
        device_key as stream_key
    from all_events
    where
        classified_at_load_id > (select watermark.classified_at_load_id from watermark)
    group by load_id, device_key
    union distinct
    select
        load_id,
        stream_key
    from standing_combinations
    where
        not is_gone
        and load_id in (
            select loads.load_id from loads where loads.load_status <> 'loaded'
        )
),

{% else -%}
watermark as (
    select 0 as change_number
),

{% endif -%}
-- Of loads before the first that is touched nothing is read.
events as {{ not_materialized() }} (
    select all_events.*
    from all_events
    {% if is_incremental() -%}
        inner join touched_streams
            on
                all_events.load_id = touched_streams.load_id
                and all_events.device_key = touched_streams.stream_key
                and all_events.load_id
                >= (select min(touched_streams.load_id) from touched_streams)
    {%- endif %}
    where all_events.record_status = 'accepted'
),

-- An alias may name its own device.
met_in_events as (
    select
        load_id,
        device_key as stream_key,
        source_name,
        anonymous_id,
        nullif(previous_id, anonymous_id) as previous_id,
        user_id,
        email_hash,
        phone_hash,
        count(*) as n_records,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    group by
        load_id, device_key, source_name, anonymous_id,
        nullif(previous_id, anonymous_id), user_id, email_hash, phone_hash
),

met_elsewhere as (
    select
        source_name,
        user_id,
        email_hash,
        phone_hash,
        shopify_customer_id,
        cast(null as {{ dbt.type_string() }}) as crm_contact_id,
        cast(null as {{ dbt.type_string() }}) as loyalty_id,
        count(*) as n_records,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at
    from order_lines
    group by source_name, user_id, email_hash, phone_hash, shopify_customer_id
    union all
    select
        source_name,
        cast(null as {{ dbt.type_string() }}) as user_id,
        email_hash,
        phone_hash,
        shopify_customer_id,
        cast(null as {{ dbt.type_string() }}) as crm_contact_id,
        cast(null as {{ dbt.type_string() }}) as loyalty_id,
        1 as n_records,
        created_at as first_seen_at,
        updated_at as last_seen_at
    from shopify_customers
    union all
    select
        source_name,
        user_id,
        email_hash,
        phone_hash,
        cast(null as {{ dbt.type_string() }}) as shopify_customer_id,
        crm_contact_id,
        loyalty_id,
        1 as n_records,
        first_updated_at as first_seen_at,
        updated_at as last_seen_at
    from contacts
),

summed_elsewhere as (
    select
        source_name,
        user_id,
        email_hash,
        phone_hash,
        shopify_customer_id,
        crm_contact_id,
        loyalty_id,
        sum(n_records) as n_records,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from met_elsewhere
    group by
        source_name, user_id, email_hash, phone_hash, shopify_customer_id,
        crm_contact_id, loyalty_id
),

met_together as (
    select
        load_id,
        stream_key,
        source_name,
        case when source_name <> 'ga4' then anonymous_id end as anonymous_id,
        previous_id,
        case when source_name = 'ga4' then anonymous_id end as ga4_pseudo_id,
        user_id,
        email_hash,
        phone_hash,
        cast(null as {{ dbt.type_string() }}) as shopify_customer_id,
        cast(null as {{ dbt.type_string() }}) as crm_contact_id,
        cast(null as {{ dbt.type_string() }}) as loyalty_id,
        n_records,
        first_seen_at,
        last_seen_at
    from met_in_events
    union all
    select
        0 as load_id,
        {{ compact_key(hash_key([
            'source_name', 'user_id', 'email_hash', 'phone_hash',
            'shopify_customer_id', 'crm_contact_id', 'loyalty_id',
        ])) }} as stream_key,
        source_name,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as previous_id,
        cast(null as {{ dbt.type_string() }}) as ga4_pseudo_id,
        user_id,
        email_hash,
        phone_hash,
        shopify_customer_id,
        crm_contact_id,
        loyalty_id,
        n_records,
        first_seen_at,
        last_seen_at
    from summed_elsewhere
),

keyed as (
    select
        load_id,
        stream_key,
        source_name,
        {{ id_columns | join(', ') }},
        {% for column in id_columns -%}
        {{ compact_identifier_key(id_types[loop.index0], column) }}
            as {{ key_columns[loop.index0] }},
        {% endfor -%}
        cast(n_records as {{ dbt.type_bigint() }}) as n_records,
        first_seen_at,
        last_seen_at
    from met_together
    where coalesce({{ id_columns | join(', ') }}) is not null
),

{% if is_incremental() -%}
compared as (
    select
        standing_combinations.load_id,
        standing_combinations.stream_key,
        standing_combinations.source_name,
        {{ key_columns | join(', ') }}
    from standing_combinations
    left join touched_streams
        on
            standing_combinations.load_id = touched_streams.load_id
            and standing_combinations.stream_key = touched_streams.stream_key
    where
        touched_streams.stream_key is not null
        or (standing_combinations.load_id = 0 and not standing_combinations.is_gone)
),

gone as (
    select * from compared
    except
    select
        load_id,
        stream_key,
        source_name,
        {{ key_columns | join(', ') }}
    from keyed
),

unchanged_elsewhere as (
    select
        keyed.load_id,
        keyed.stream_key
    from keyed
    inner join standing_combinations
        on
            keyed.load_id = standing_combinations.load_id
            and keyed.stream_key = standing_combinations.stream_key
            and keyed.n_records = standing_combinations.n_records
    where
        keyed.load_id = 0
        and coalesce(keyed.first_seen_at, cast('9999-12-31' as timestamp))
        = coalesce(standing_combinations.first_seen_at, cast('9999-12-31' as timestamp))
        and coalesce(keyed.last_seen_at, cast('9999-12-31' as timestamp))
        = coalesce(standing_combinations.last_seen_at, cast('9999-12-31' as timestamp))
),

{% endif -%}
combined as (
    select
        keyed.*,
        false as is_gone
    from keyed
    {% if is_incremental() -%}
        left join unchanged_elsewhere
            on
                keyed.load_id = unchanged_elsewhere.load_id
                and keyed.stream_key = unchanged_elsewhere.stream_key
        where unchanged_elsewhere.stream_key is null
        union all
        select
            load_id,
            stream_key,
            source_name,
            {% for column in id_columns -%}
            cast(null as {{ dbt.type_string() }}) as {{ column }},
            {% endfor -%}
            {{ key_columns | join(', ') }},
            cast(0 as {{ dbt.type_bigint() }}) as n_records,
            cast(null as {{ dbt.type_timestamp() }}) as first_seen_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_seen_at,
            true as is_gone
        from gone
    {%- endif %}
),

final as (
    select
        -- keys
        load_id,
        stream_key,
        {{ key_columns | join(', ') }},

        -- attributes
        source_name,
        {{ id_columns | join(', ') }},

        -- measures
        n_records,
        (select watermark.change_number + 1 from watermark) as change_number,
        (select newest.classified_at_load_id from newest) as classified_at_load_id,
        (select newest.load_id from newest) as changed_at_load_id,

        -- flags
        is_gone,

        -- times
        first_seen_at,
        last_seen_at
    from combined
)

select * from final
