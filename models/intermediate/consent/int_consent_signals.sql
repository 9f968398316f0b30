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

signals as (
    {{ unpivot_consents('event_answers', ['device_key', 'user_key']) }}
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
