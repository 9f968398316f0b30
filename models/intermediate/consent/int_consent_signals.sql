{{ config(materialized='view') }}

-- Every stream that says what a person agrees to joins here.
with

event_consents as (
    select * from {{ ref('int_event_consents_condensed') }}
),

shopify_customers as (
    select * from {{ ref('int_shopify_customers_classified') }}
    where record_status <> 'rejected' and marketing_consent is not null
),

contacts as (
    select * from {{ ref('int_crm_contacts_classified') }}
    where record_status <> 'rejected' and marketing_consent is not null
),

-- Who agrees to marketing agrees to offers of their own and to advertising; nothing is
-- said of analytics. A refusal without a time is as new as its record; a yes without
-- one is older than any other answer, since an edited address doesn't renew it.
marketing_answers as (
    select
        {{ compact_identifier_key('shopify_customer_id', 'shopify_customer_id') }}
            as compact_identifier_key,
        source_name,
        load_id,
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
        {{ compact_identifier_key('crm_contact_id', 'crm_contact_id') }}
            as compact_identifier_key,
        source_name,
        load_id,
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

marketing_signals as (
    {{ unpivot_consents('marketing_answers') }}
),

-- Of two answers at one time the refusal holds: `denied` sorts before `granted`.
signals_per_time as (
    select
        compact_identifier_key,
        purpose,
        min(source_name) as source_name,
        min(consent_status) as consent_status,
        decided_at
    from marketing_signals
    group by compact_identifier_key, purpose, decided_at
),

numbered as (
    select
        *,
        lag(consent_status) over (
            partition by compact_identifier_key, purpose
            order by decided_at
        ) as previous_consent_status
    from signals_per_time
),

-- What only repeats the answer before says nothing.
final as (
    select
        -- keys
        compact_identifier_key,
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
    union all
    select
        -- keys
        compact_identifier_key,
        purpose,

        -- attributes
        source_name,
        consent_status,

        -- times
        decided_at
    from event_consents
)

select * from final
