{{ config(materialized='view') }}

-- What a customer agrees to now: the latest answer of any of the customer's
-- identifiers, whatever the as-of date, since a withdrawal holds at once.
with

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

customer_keys as (
    select * from {{ ref('int_customer_keys') }}
    where customer_id is not null
),

signals as (
    select * from {{ ref('int_consent_signals') }}
),

consent_purposes as (
    select * from {{ ref('consent_purposes') }}
),

answers as (
    select
        customer_keys.customer_id,
        signals.purpose,
        signals.consent_status,
        signals.source_name,
        signals.decided_at,
        row_number() over (
            partition by customer_keys.customer_id, signals.purpose
            order by
                signals.decided_at desc,
                signals.consent_status asc,
                signals.source_name asc,
                signals.compact_identifier_key asc
        ) as answer_number
    from signals
    inner join customer_keys
        on signals.compact_identifier_key = customer_keys.compact_identifier_key
),

latest_answers as (
    select * from answers
    where answer_number = 1
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
