-- Every stream that says what a person agrees to joins here.
with

events as (
    select * from {{ ref('int_events_classified') }}
    where
        reject_reason is null
        and coalesce(
            analytics_consent, personalization_consent, advertising_consent
        ) is not null
),

shopify_customers as (
    select * from {{ ref('int_shopify_customers_classified') }}
    where record_status <> 'rejected' and marketing_consent is not null
),

contacts as (
    select * from {{ ref('int_crm_contacts_classified') }}
    where record_status <> 'rejected' and marketing_consent is not null
),

event_answers as (
    select
        source_name,
        device_key,
        user_key,
        analytics_consent,
        personalization_consent,
        advertising_consent,
        occurred_at as decided_at
    from events
),

-- Who agrees to marketing agrees to offers of their own and to advertising; nothing is
-- said of analytics. A refusal without a time is as new as its record; a yes without
-- one is older than any other answer, since an edited address doesn't renew it.
marketing_answers as (
    select
        source_name,
        {{ identifier_key('shopify_customer_id', 'shopify_customer_id') }}
            as identifier_key,
        cast(null as {{ dbt.type_string() }}) as analytics_consent,
        marketing_consent as personalization_consent,
        marketing_consent as advertising_consent,
        coalesce(
            marketing_consented_at,
            case when marketing_consent = 'denied' then updated_at end,
            cast('1970-01-01' as timestamp)
        ) as decided_at
    from shopify_customers
    union all
    select
        source_name,
        {{ identifier_key('crm_contact_id', 'crm_contact_id') }} as identifier_key,
        cast(null as {{ dbt.type_string() }}) as analytics_consent,
        marketing_consent as personalization_consent,
        marketing_consent as advertising_consent,
        coalesce(
            marketing_consented_at,
            case when marketing_consent = 'denied' then updated_at end,
            cast('1970-01-01' as timestamp)
        ) as decided_at
    from contacts
),

signals as (
    {{ unpivot_consents('event_answers', ['device_key', 'user_key']) }}
    union all
    {{ unpivot_consents('marketing_answers', ['identifier_key']) }}
),

-- Of two answers at one time the refusal holds: `denied` sorts before `granted`.
signals_per_time as (
    select
        identifier_key,
        purpose,
        min(source_name) as source_name,
        min(consent_status) as consent_status,
        decided_at
    from signals
    group by identifier_key, purpose, decided_at
),

numbered as (
    select
        *,
        lag(consent_status) over (
            partition by identifier_key, purpose
            order by decided_at
        ) as previous_consent_status
    from signals_per_time
),

-- What only repeats the answer before says nothing.
final as (
    select
        -- keys
        identifier_key,
        purpose,

        -- attributes
        source_name,
        consent_status,

        -- times
        decided_at
    from numbered
    where
        previous_consent_status is null
        or previous_consent_status <> consent_status
)

select * from final
