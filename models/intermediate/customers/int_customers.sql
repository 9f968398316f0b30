{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='customer_id',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where n_identifiers = 0",
    )
}}

{% set allows_unknown = unknown_consent_policy('personalization') == 'allowed' -%}
-- Described anew are customers whose identifiers, days, orders or consent changed.
-- Whoever is nobody any more is written without identifiers and deleted in the same
-- transaction.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

customer_identifiers as {{ not_materialized() }} (
    select * from {{ ref('int_customer_identifiers') }}
),

id_versions as {{ not_materialized() }} (
    select * from {{ ref('int_customer_id_versions') }}
),

customer_days as {{ not_materialized() }} (
    select * from {{ ref('int_customer_days') }}
),

personalization_consents as {{ not_materialized() }} (
    select * from {{ ref('int_customer_consents') }}
    where purpose = 'personalization'
),

orders as (
    select * from {{ ref('int_orders') }}
    where customer_id is not null
),

sessions as {{ not_materialized() }} (
    select * from {{ ref('int_sessions') }}
    where customer_id is not null
),

newest as (
    select
        coalesce(
            (select max(customer_identifiers.change_number) from customer_identifiers),
            0
        ) as identifier_change_number,
        coalesce((select max(id_versions.version_number) from id_versions), 0)
            as id_version_number,
        coalesce((select max(customer_days.change_number) from customer_days), 0)
            as days_change_number,
        (select max(loads.load_id) from loads) as load_id
),

numbered_orders as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                case when country is null then 1 else 0 end asc,
                ordered_at desc,
                order_key asc
        ) as country_number
    from orders
),

orders_per_customer as {% if is_incremental() %}{{ materialized() }} {% endif %}(
    select
        customer_id,
        max(case when country_number = 1 then country end) as country,
        count(distinct country) as n_countries,
        sum(case when is_purchase then 1 else 0 end) as n_orders,
        min(case when is_purchase then ordered_at end) as first_ordered_at,
        max(case when is_purchase then ordered_at end) as last_ordered_at
    from numbered_orders
    group by customer_id
),

{% if is_incremental() -%}
standing_customers as {{ not_materialized() }} (
    select * from {{ this }}
),

watermarks as (
    select
        coalesce(max(identifier_change_number), 0) as identifier_change_number,
        coalesce(max(id_version_number), 0) as id_version_number,
        coalesce(max(days_change_number), 0) as days_change_number
    from standing_customers
),

moved_identifiers as (
    select identifier_key from id_versions
    where version_number > (select watermarks.id_version_number from watermarks)
),

standing_orders as (
    select * from standing_customers
    where n_orders > 0 or n_countries > 0
),

-- Of an identifier that moved, whoever had it before is touched, too. Orders are few,
-- so they are compared one by one.
touched_customers as {{ materialized() }} (
    select customer_id from customer_identifiers
    where
        change_number > (select watermarks.identifier_change_number from watermarks)
    union distinct
    select customer_id from id_versions
    where
        customer_id is not null
        and identifier_key in ({{ few_values('moved_identifiers', 'identifier_key') }})
    union distinct
    select customer_id from customer_days
    where change_number > (select watermarks.days_change_number from watermarks)
    union distinct
    select
        coalesce(orders_per_customer.customer_id, standing_orders.customer_id)
            as customer_id
    from orders_per_customer
    full outer join standing_orders
        on orders_per_customer.customer_id = standing_orders.customer_id
    where
        orders_per_customer.country is distinct from standing_orders.country
        or coalesce(orders_per_customer.n_countries, 0)
        <> coalesce(standing_orders.n_countries, 0)
        or coalesce(orders_per_customer.n_orders, 0)
        <> coalesce(standing_orders.n_orders, 0)
        or orders_per_customer.first_ordered_at
        is distinct from standing_orders.first_ordered_at
        or orders_per_customer.last_ordered_at
        is distinct from standing_orders.last_ordered_at
    union distinct
    select standing_customers.customer_id
    from standing_customers
    left join personalization_consents
        on standing_customers.customer_id = personalization_consents.customer_id
    where
        standing_customers.is_personalization_allowed
        <> coalesce(
            personalization_consents.consent_status = 'granted', {{ allows_unknown }}
        )
),

{% endif -%}
identifiers as {{ not_materialized() }} (
    select * from customer_identifiers
    {% if is_incremental() -%}
        where customer_id in ({{ few_values('touched_customers', 'customer_id') }})
    {%- endif %}
),

identifiers_per_customer as (
    select
        customer_id,
        sum(case when identifier_strength = 'device' then 1 else 0 end) as n_devices,
        count(*) as n_identifiers,
        max(case when identifier_strength = 'strong' then 1 else 0 end) = 1
            as is_identified,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from identifiers
    group by customer_id
),

{% if is_incremental() -%}
customers as (
    select
        touched_customers.customer_id,
        coalesce(identifiers_per_customer.n_devices, 0) as n_devices,
        coalesce(identifiers_per_customer.n_identifiers, 0) as n_identifiers,
        coalesce(identifiers_per_customer.is_identified, false) as is_identified,
        identifiers_per_customer.first_seen_at,
        identifiers_per_customer.last_seen_at
    from touched_customers
    left join identifiers_per_customer
        on touched_customers.customer_id = identifiers_per_customer.customer_id
),

{% else -%}
customers as (
    select * from identifiers_per_customer
),

{% endif -%}
-- The shop's own id, the one seen first where the customer has several.
numbered_users as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                coalesce(first_seen_at, cast('9999-12-31' as timestamp)),
                identifier_key
        ) as user_number
    from identifiers
    where identifier_type = 'user_id'
),

first_users as (
    select * from numbered_users
    where user_number = 1
),

-- The first session of each is looked for among those of its moment, so that all others
-- are read by time alone.
first_moments as (
    select
        customer_id,
        min(started_at) as started_at
    from sessions
    {% if is_incremental() -%}
        where customer_id in ({{ few_values('touched_customers', 'customer_id') }})
    {%- endif %}
    group by customer_id
),

numbered_sessions as (
    select
        sessions.customer_id,
        sessions.campaign_source,
        sessions.campaign_medium,
        sessions.device_type,
        row_number() over (
            partition by sessions.customer_id
            order by sessions.session_key
        ) as moment_session_number
    from sessions
    inner join first_moments
        on
            sessions.customer_id = first_moments.customer_id
            and sessions.started_at = first_moments.started_at
),

first_sessions as (
    select * from numbered_sessions
    where moment_session_number = 1
),

final as (
    select
        -- keys
        customers.customer_id,
        first_users.identifier_value as user_id,

        -- attributes
        orders_per_customer.country,
        first_sessions.campaign_source as first_campaign_source,
        first_sessions.campaign_medium as first_campaign_medium,
        first_sessions.device_type as first_device_type,

        -- measures
        cast(customers.n_identifiers as {{ dbt.type_bigint() }}) as n_identifiers,
        cast(customers.n_devices as {{ dbt.type_bigint() }}) as n_devices,
        cast(coalesce(orders_per_customer.n_countries, 0) as {{ dbt.type_bigint() }})
            as n_countries,
        cast(coalesce(orders_per_customer.n_orders, 0) as {{ dbt.type_bigint() }})
            as n_orders,
        newest.identifier_change_number,
        newest.id_version_number,
        newest.days_change_number,
        newest.load_id as changed_at_load_id,

        -- flags
        customers.is_identified,
        coalesce(
            personalization_consents.consent_status = 'granted', {{ allows_unknown }}
        ) as is_personalization_allowed,

        -- times
        customers.first_seen_at,
        customers.last_seen_at,
        orders_per_customer.first_ordered_at,
        orders_per_customer.last_ordered_at
    from customers
    cross join newest
    left join first_users
        on customers.customer_id = first_users.customer_id
    left join personalization_consents
        on customers.customer_id = personalization_consents.customer_id
    left join orders_per_customer
        on customers.customer_id = orders_per_customer.customer_id
    left join first_sessions
        on customers.customer_id = first_sessions.customer_id
)

select * from final
