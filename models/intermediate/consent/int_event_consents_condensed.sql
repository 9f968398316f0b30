{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['compact_identifier_key', 'purpose', 'decided_at'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where consent_status is null",
    )
}}

-- depends_on: {{ ref('stg_landing__loads') }}
-- Nearly every event repeats what its device and user said before. Only of identifiers
-- that changed their mind all answers are looked at, of the others the first.
with

events as {{ not_materialized() }} (
    select * from {{ ref('int_events_classified') }}
    where
        reject_reason is null
        and coalesce(
            analytics_consent, personalization_consent, advertising_consent
        ) is not null
),

newest_classification as (
    select max(classified_at_load_id) as load_id
    from {{ ref('int_events_classified') }}
),

all_answers as {{ not_materialized() }} (
    select
        device_key as compact_identifier_key,
        source_name,
        load_id,
        analytics_consent,
        personalization_consent,
        advertising_consent,
        classified_at_load_id,
        occurred_at as decided_at
    from events
    union all
    select
        user_key as compact_identifier_key,
        source_name,
        load_id,
        analytics_consent,
        personalization_consent,
        advertising_consent,
        classified_at_load_id,
        occurred_at as decided_at
    from events
    where user_key is not null and user_key <> device_key
),

{% if is_incremental() -%}
standing_signals as {{ not_materialized() }} (
    select * from {{ this }}
),

gone_loads as (
    select load_id from {{ ref('stg_landing__loads') }}
    where load_status <> 'loaded'
),

-- What only repeated an answer may go without a trace; what made a signal is known by
-- its load.
changes as (
    select
        compact_identifier_key,
        decided_at
    from all_answers
    where
        classified_at_load_id > (
            select coalesce(max(standing_signals.condensed_at_load_id), 0)
            from standing_signals
        )
    union all
    select
        compact_identifier_key,
        decided_at
    from standing_signals
    where load_id in (select gone_loads.load_id from gone_loads)
),

touched_identifiers as {{ materialized() }} (
    select
        compact_identifier_key,
        min(decided_at) as changed_since
    from changes
    group by compact_identifier_key
),

{% endif -%}
answers as {{ not_materialized() }} (
    select all_answers.*
    from all_answers
    {% if is_incremental() -%}
        inner join touched_identifiers
            on
                all_answers.compact_identifier_key
                = touched_identifiers.compact_identifier_key
                and all_answers.decided_at >= touched_identifiers.changed_since
    {%- endif %}
),

identifiers as (
    select
        compact_identifier_key,
        min(case when analytics_consent is not null then decided_at end)
            as analytics_since,
        min(case when personalization_consent is not null then decided_at end)
            as personalization_since,
        min(case when advertising_consent is not null then decided_at end)
            as advertising_since,
        min(analytics_consent) <> max(analytics_consent)
        or min(personalization_consent) <> max(personalization_consent)
        or min(advertising_consent) <> max(advertising_consent)
            as is_changing
    from answers
    group by compact_identifier_key
),

telling_answers as (
    select answers.*
    from answers
    inner join identifiers
        on answers.compact_identifier_key = identifiers.compact_identifier_key
    where
        identifiers.is_changing
        or answers.decided_at = identifiers.analytics_since
        or answers.decided_at = identifiers.personalization_since
        or answers.decided_at = identifiers.advertising_since
),

signals as (
    {{ unpivot_consents('telling_answers') }}
),

-- Of two answers at one time the refusal holds: `denied` sorts before `granted`.
ranked as (
    select
        *,
        row_number() over (
            partition by compact_identifier_key, purpose, decided_at
            order by consent_status, source_name, load_id
        ) as signal_number
    from signals
),

{% if is_incremental() -%}
touched_signals as (
    select
        standing_signals.*,
        standing_signals.decided_at < touched_identifiers.changed_since as is_settled
    from standing_signals
    inner join touched_identifiers
        on
            standing_signals.compact_identifier_key
            = touched_identifiers.compact_identifier_key
),

{% endif -%}
in_order as (
    select
        compact_identifier_key,
        purpose,
        source_name,
        load_id,
        consent_status,
        false as is_settled,
        decided_at
    from ranked
    where signal_number = 1
    {% if is_incremental() -%}
        union all
        select
            compact_identifier_key,
            purpose,
            source_name,
            load_id,
            consent_status,
            is_settled,
            decided_at
        from touched_signals
        where is_settled
    {%- endif %}
),

numbered as (
    select
        *,
        lag(consent_status) over (
            partition by compact_identifier_key, purpose
            order by decided_at
        ) as previous_consent_status
    from in_order
),

-- What only repeats the answer before says nothing.
changed as (
    select
        compact_identifier_key,
        purpose,
        source_name,
        load_id,
        consent_status,
        decided_at
    from numbered
    where
        not is_settled
        and (
            previous_consent_status is null
            or previous_consent_status <> consent_status
        )
),

{% if is_incremental() -%}
-- A signal that is none any more leaves with the next step.
ended as (
    select
        touched_signals.compact_identifier_key,
        touched_signals.purpose,
        touched_signals.source_name,
        touched_signals.load_id,
        cast(null as {{ dbt.type_string() }}) as consent_status,
        touched_signals.decided_at
    from touched_signals
    left join changed
        on
            touched_signals.compact_identifier_key = changed.compact_identifier_key
            and touched_signals.purpose = changed.purpose
            and touched_signals.decided_at = changed.decided_at
    where not touched_signals.is_settled and changed.decided_at is null
),

{% endif -%}
combined as (
    select * from changed
    {% if is_incremental() -%}
        union all
        select * from ended
    {%- endif %}
),

final as (
    select
        -- keys
        compact_identifier_key,
        purpose,
        load_id,

        -- attributes
        source_name,
        consent_status,

        -- measures
        (select newest_classification.load_id from newest_classification)
            as condensed_at_load_id,

        -- times
        decided_at
    from combined
)

select * from final
