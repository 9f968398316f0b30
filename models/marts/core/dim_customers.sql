with

customer_identifiers as {{ not_materialized() }} (
    select * from {{ ref('int_customer_identifiers') }}
),

customer_consents as (
    select * from {{ ref('customer_consents') }}
),

orders as (
    select * from {{ ref('int_orders') }}
    where customer_id is not null
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where customer_id is not null
),

customers as (
    select
        customer_id,
        sum(case when identifier_strength = 'device' then 1 else 0 end) as n_devices,
        count(*) as n_identifiers,
        max(case when identifier_strength = 'strong' then 1 else 0 end) = 1
            as is_identified,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from customer_identifiers
    group by customer_id
),

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
    from customer_identifiers
    where identifier_type = 'user_id'
),

first_users as (
    select * from numbered_users
    where user_number = 1
),

personalization_consents as (
    select * from customer_consents
    where purpose = 'personalization'
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

orders_per_customer as (
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

-- The first session of each is looked for among those of its moment, so that all others
-- are read by time alone.
first_moments as (
    select
        customer_id,
        min(started_at) as started_at
    from sessions
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
        cast(customers.n_identifiers as bigint) as n_identifiers,
        cast(customers.n_devices as bigint) as n_devices,
        cast(coalesce(orders_per_customer.n_countries, 0) as bigint) as n_countries,
        cast(coalesce(orders_per_customer.n_orders, 0) as bigint) as n_orders,

        -- flags
        customers.is_identified,
        personalization_consents.is_allowed as is_personalization_allowed,
        coalesce(orders_per_customer.n_orders, 0) > 0 as is_purchaser,

        -- times
        customers.first_seen_at,
        customers.last_seen_at,
        orders_per_customer.first_ordered_at,
        orders_per_customer.last_ordered_at
    from customers
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
