{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='compact_identifier_key',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where n_records = 0",
    )
}}

-- The customer of every identifier. Written anew are identifiers that changed, and
-- everybody in a component that one of them joined or left.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

all_identifiers as {{ not_materialized() }} (
    select * from {{ ref('int_identifiers') }}
),

identifiers as {{ not_materialized() }} (
    select * from all_identifiers
    where not is_gone
),

strong_components as (
    select * from {{ ref('int_strong_components') }}
),

device_edges as (
    select * from {{ ref('int_identifier_edges') }}
    where device_key is not null and reject_reason is null
),

-- All accepted edges of a device lead to the same component.
device_components as (
    select
        device_key,
        min(component_id) as component_id
    from device_edges
    group by device_key
),

newest as (
    select
        (select max(loads.load_id) from loads) as load_id,
        (select max(all_identifiers.change_number) from all_identifiers)
            as identifier_change_number
),

-- Whoever is linked to nobody is a customer of their own; what is blocked or too long
-- stands for nobody.
components as {{ materialized() }} (
    select
        identifiers.compact_identifier_key,
        identifiers.change_number,
        case
            when identifiers.block_reason in ('blocked_value', 'too_long') then null
            else
                coalesce(
                    strong_components.component_id,
                    device_components.component_id,
                    identifiers.compact_identifier_key
                )
        end as component_id
    from identifiers
    left join strong_components
        on identifiers.compact_identifier_key = strong_components.node
    left join device_components
        on identifiers.compact_identifier_key = device_components.device_key
),

{% if is_incremental() -%}
standing_identifiers as {{ not_materialized() }} (
    select * from {{ this }}
),

watermark as (
    select coalesce(max(identifier_change_number), 0) as identifier_change_number
    from standing_identifiers
),

moved_identifiers as {{ materialized() }} (
    select
        components.compact_identifier_key,
        components.component_id,
        standing_identifiers.component_id as previous_component_id
    from components
    left join standing_identifiers
        on
            components.compact_identifier_key
            = standing_identifiers.compact_identifier_key
    where
        components.change_number
        > (select watermark.identifier_change_number from watermark)
        or standing_identifiers.compact_identifier_key is null
        or components.component_id <> standing_identifiers.component_id
),

gone_identifiers as (
    select standing_identifiers.*
    from standing_identifiers
    inner join all_identifiers
        on
            standing_identifiers.compact_identifier_key
            = all_identifiers.compact_identifier_key
    where all_identifiers.is_gone
),

touched_components as (
    select component_id from moved_identifiers
    where component_id is not null
    union distinct
    select previous_component_id as component_id from moved_identifiers
    where previous_component_id is not null
    union distinct
    select component_id from gone_identifiers
    where component_id is not null
),

touched_identifiers as (
    select compact_identifier_key from moved_identifiers
    union distinct
    select components.compact_identifier_key
    from components
    inner join touched_components
        on components.component_id = touched_components.component_id
),

{% endif -%}
described as (
    select
        identifiers.*,
        components.component_id
    from identifiers
    inner join components
        on identifiers.compact_identifier_key = components.compact_identifier_key
    {% if is_incremental() -%}
        inner join touched_identifiers
            on
                components.compact_identifier_key
                = touched_identifiers.compact_identifier_key
    {%- endif %}
),

resolved as {{ materialized() }} (
    select
        {{ identifier_key('identifier_type', 'identifier_value') }} as identifier_key,
        compact_identifier_key,
        component_id,
        identifier_type,
        case
            when block_reason is null or block_reason <> 'too_long'
                then identifier_value
        end as identifier_value,
        identifier_strength,
        block_reason,
        n_records,
        n_strong_identifiers,
        first_seen_at,
        last_seen_at,
        coalesce(first_seen_at, cast('9999-12-31' as timestamp)) as known_since
    from described
),

-- The earliest evidence names the customer, so that the name depends on the records
-- alone and later ones change it as seldom as possible.
component_starts as (
    select
        component_id,
        min(known_since) as known_since
    from resolved
    where component_id is not null
    group by component_id
),

customers as (
    select
        resolved.component_id,
        min(resolved.identifier_key) as first_identifier_key
    from resolved
    inner join component_starts
        on
            resolved.component_id = component_starts.component_id
            and resolved.known_since = component_starts.known_since
    group by resolved.component_id
),

named_customers as (
    select
        component_id,
        {{ hash_key(['first_identifier_key']) }} as customer_id
    from customers
),

combined as (
    select
        resolved.identifier_key,
        resolved.compact_identifier_key,
        named_customers.customer_id,
        resolved.component_id,
        resolved.identifier_type,
        resolved.identifier_value,
        resolved.identifier_strength,
        resolved.block_reason,
        resolved.n_records,
        resolved.n_strong_identifiers,
        resolved.first_seen_at,
        resolved.last_seen_at
    from resolved
    left join named_customers
        on resolved.component_id = named_customers.component_id
    {% if is_incremental() -%}
        union all
        select
            identifier_key,
            compact_identifier_key,
            cast(null as {{ dbt.type_string() }}) as customer_id,
            component_id,
            identifier_type,
            identifier_value,
            identifier_strength,
            block_reason,
            cast(0 as {{ dbt.type_bigint() }}) as n_records,
            n_strong_identifiers,
            first_seen_at,
            last_seen_at
        from gone_identifiers
    {%- endif %}
),

final as (
    select
        -- keys
        combined.identifier_key,
        combined.compact_identifier_key,
        combined.customer_id,
        combined.component_id,

        -- attributes
        combined.identifier_type,
        combined.identifier_value,
        combined.identifier_strength,
        combined.block_reason,

        -- measures
        combined.n_records,
        combined.n_strong_identifiers,
        newest.identifier_change_number,
        newest.load_id as changed_at_load_id,

        -- times
        combined.first_seen_at,
        combined.last_seen_at
    from combined
    cross join newest
)

select * from final
