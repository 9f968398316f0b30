-- The interface of identity: which customer an identifier stands for.
with

identifiers as (
    select * from {{ ref('int_identifiers') }}
    where block_reason is null or block_reason = 'too_many_identifiers'
),

strong_components as (
    select * from {{ ref('int_strong_components') }}
),

device_edges as (
    select * from {{ ref('int_identifier_edges') }}
    where device_identifier_key is not null and reject_reason is null
),

-- All accepted edges of a device lead to the same component.
device_components as (
    select
        device_identifier_key,
        min(component_id) as component_id
    from device_edges
    group by device_identifier_key
),

-- Whoever is linked to nobody is a customer of their own.
resolved as (
    select
        identifiers.*,
        coalesce(
            strong_components.component_id,
            device_components.component_id,
            identifiers.identifier_key
        ) as component_id
    from identifiers
    left join strong_components
        on identifiers.identifier_key = strong_components.node
    left join device_components
        on identifiers.identifier_key = device_components.device_identifier_key
),

-- The earliest evidence names the customer, so that the name depends on the records
-- alone and later ones change it as seldom as possible.
named as (
    select
        *,
        first_value(identifier_key) over (
            partition by component_id
            order by
                coalesce(first_seen_at, cast('9999-12-31' as timestamp)),
                identifier_key
            rows between unbounded preceding and current row
        ) as first_identifier_key
    from resolved
),

final as (
    select
        -- keys
        identifier_key,
        {{ hash_key(['first_identifier_key']) }} as customer_id,

        -- attributes
        identifier_type,
        identifier_value,
        identifier_strength,

        -- measures
        n_records,
        n_strong_identifiers,

        -- times
        first_seen_at,
        last_seen_at
    from named
)

select * from final
