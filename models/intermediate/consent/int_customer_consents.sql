{{ config(materialized='view') }}

-- What a customer agrees to now: the latest answer of any of the customer's
-- identifiers, whatever the as-of date, since a withdrawal holds at once.
with

customer_keys as (
    select * from {{ ref('int_customer_keys') }}
    where customer_id is not null
),

signals as (
    select * from {{ ref('int_consent_signals') }}
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

final as (
    select
        -- keys
        customer_id,

        -- attributes
        purpose,
        consent_status,
        source_name,

        -- times
        decided_at
    from answers
    where answer_number = 1
)

select * from final
