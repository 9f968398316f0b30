{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
    )
}}

-- What identity said of an identifier, each time that it said something else. Runs
-- are numbered, since no model reads the clock; what was said can't be recomputed, so a
-- full refresh leaves it.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

{% if is_incremental() -%}
versions as {{ not_materialized() }} (
    select * from {{ this }}
),

-- Most identifiers have one version, so that only the others are put in order; and most
-- of these are of the first run, so that they aren't counted.
later_versions as (
    select identifier_key from versions
    where version_number > 1
),

moved_identifiers as (
    select identifier_key
    from versions
    where identifier_key in (select later_versions.identifier_key from later_versions)
    group by identifier_key
    having count(*) > 1
),

moved_versions as (
    select
        versions.*,
        row_number() over (
            partition by versions.identifier_key
            order by versions.version_number desc
        ) as recency_number
    from versions
    inner join moved_identifiers
        on versions.identifier_key = moved_identifiers.identifier_key
),

latest_versions as (
    select
        identifier_key,
        customer_id
    from moved_versions
    where recency_number = 1
    union all
    select
        identifier_key,
        customer_id
    from versions
    where
        identifier_key not in (
            select moved_identifiers.identifier_key from moved_identifiers
        )
),

changed as (
    select
        coalesce(customer_identifiers.identifier_key, latest_versions.identifier_key)
            as identifier_key,
        customer_identifiers.customer_id,
        (select coalesce(max(versions.version_number), 0) + 1 from versions)
            as version_number
    from customer_identifiers
    full outer join latest_versions
        on customer_identifiers.identifier_key = latest_versions.identifier_key
    where
        coalesce(customer_identifiers.customer_id, '')
        <> coalesce(latest_versions.customer_id, '')
),
{%- else -%}
changed as (
    select
        identifier_key,
        customer_id,
        1 as version_number
    from customer_identifiers
),
{%- endif %}

final as (
    select
        -- keys
        identifier_key,
        customer_id,

        -- measures
        cast(version_number as bigint) as version_number,
        (select max(loads.load_id) from loads) as load_id
    from changed
)

select * from final
