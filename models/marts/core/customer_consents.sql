{{ config(materialized='view') }}

with

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

latest_answers as (
    select * from {{ ref('int_customer_consents') }}
),

consent_purposes as (
    select * from {{ ref('consent_purposes') }}
),

customers as (
    select customer_id
    from customer_identifiers
    group by customer_id
),

final as (
    select
        -- keys
        {{ hash_key(['customers.customer_id', 'consent_purposes.purpose']) }}
            as customer_consent_key,
        customers.customer_id,

        -- attributes
        consent_purposes.purpose,
        coalesce(latest_answers.consent_status, 'unknown') as consent_status,
        latest_answers.source_name,

        -- flags
        coalesce(
            latest_answers.consent_status = 'granted',
            case consent_purposes.purpose
                when 'analytics'
                    then '{{ unknown_consent_policy("analytics") }}' <> 'withheld'
                when 'personalization'
                    then '{{ unknown_consent_policy("personalization") }}' = 'allowed'
                else '{{ unknown_consent_policy("advertising") }}' = 'allowed'
            end
        ) as is_allowed,

        -- times
        latest_answers.decided_at
    from customers
    cross join consent_purposes
    left join latest_answers
        on
            customers.customer_id = latest_answers.customer_id
            and consent_purposes.purpose = latest_answers.purpose
)

select * from final
