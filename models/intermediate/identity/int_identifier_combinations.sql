-- What was met together: every stream of records that names people joins here, with a
-- column for each type of identifier.
with

events as (
    select * from {{ ref('int_events_classified') }}
    where record_status = 'accepted'
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

met_together as (
    select
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
        count(*) as n_records,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    group by source_name, anonymous_id, previous_id, user_id, email_hash, phone_hash
    union all
    select
        source_name,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as previous_id,
        cast(null as {{ dbt.type_string() }}) as ga4_pseudo_id,
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
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as previous_id,
        cast(null as {{ dbt.type_string() }}) as ga4_pseudo_id,
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
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as previous_id,
        cast(null as {{ dbt.type_string() }}) as ga4_pseudo_id,
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

final as (
    select
        {{ hash_key([
            'source_name', 'anonymous_id', 'previous_id', 'ga4_pseudo_id', 'user_id',
            'email_hash', 'phone_hash', 'shopify_customer_id', 'crm_contact_id',
            'loyalty_id',
        ]) }} as combination_key,
        source_name,
        anonymous_id,
        previous_id,
        ga4_pseudo_id,
        user_id,
        email_hash,
        phone_hash,
        shopify_customer_id,
        crm_contact_id,
        loyalty_id,
        sum(n_records) as n_records,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from met_together
    where
        coalesce(
            anonymous_id, previous_id, ga4_pseudo_id, user_id, email_hash, phone_hash,
            shopify_customer_id, crm_contact_id, loyalty_id
        ) is not null
    group by
        source_name,
        anonymous_id,
        previous_id,
        ga4_pseudo_id,
        user_id,
        email_hash,
        phone_hash,
        shopify_customer_id,
        crm_contact_id,
        loyalty_id
)

select * from final
