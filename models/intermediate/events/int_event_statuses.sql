{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
        post_hook=[
            "delete from {{ this }} where load_id in (
                select load_id from {{ ref('stg_landing__loads') }}
                where load_status <> 'loaded'
            )",
            "delete from {{ ref('int_events_unioned') }} where load_id in (
                select load_id from {{ ref('stg_landing__loads') }}
                where load_status <> 'loaded'
            )",
            "update {{ ref('int_events_unioned') }}
            set
                copy_number = statuses.copy_number,
                is_withheld = statuses.is_withheld,
                classified_at_load_id = statuses.classified_at_load_id
            from {{ this }} as statuses
            where
                int_events_unioned.load_id = statuses.load_id
                and int_events_unioned.record_number = statuses.record_number
                and statuses.classified_at_load_id = (
                    select max(load_id) from {{ ref('stg_landing__loads') }}
                )",
            "update {{ ref('int_events_unioned') }}
            set classified_at_load_id = (
                select max(load_id) from {{ ref('stg_landing__loads') }}
            )
            where classified_at_load_id is null",
        ],
    )
}}

{#- What a copy of an event may say otherwise than another. -#}
{% set content_columns = [
    'anonymous_id', 'user_id', 'previous_id', 'email_hash', 'phone_hash', 'product_id',
    'order_id', 'source_name', 'event_type', 'event_name', 'country_code',
    'device_type', 'page_path', 'page_referrer', 'campaign_source', 'campaign_medium',
    'campaign_name', 'category', 'currency_code', 'analytics_consent',
    'personalization_consent', 'advertising_consent', 'quantity', 'price_amount',
    'revenue_amount', 'occurred_at',
] -%}
-- Nearly every event is the only copy of itself and may be used, and is taken for that
-- until something else is said here. What is said is written beside the event in the
-- same transaction, so that nobody has to join these few rows with all events. Events
-- without `classified_at_load_id` are those that nobody has judged yet.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

events as {{ not_materialized() }} (
    select * from {{ ref('int_events_unioned') }}
),

consent_required_regions as (
    select * from {{ ref('consent_required_regions') }}
),

unknown_consent as (
    select
        '{{ unknown_consent_policy("analytics") }}' as unknown_policy,
        '{{ var("consent_default_country") }}' as default_country_code
),

usable_loads as (
    select load_id from loads
    where load_status = 'loaded'
),

new_events as {{ not_materialized() }} (
    select * from events
    where
        load_id in (select usable_loads.load_id from usable_loads)
    {% if is_incremental() -%}
        and classified_at_load_id is null
    {%- endif %}
),

{% if is_incremental() -%}
standing_events as {{ not_materialized() }} (
    select * from events
    where
        classified_at_load_id is not null
        and load_id in (select usable_loads.load_id from usable_loads)
),

-- Rows of a file that a newer version replaced: they go, and what they said with them.
gone_events as {{ not_materialized() }} (
    select * from events
    where
        classified_at_load_id is not null
        and load_id in (
            select loads.load_id from loads where loads.load_status <> 'loaded'
        )
),

-- Answers that came or went in this run, and from when on they matter.
new_answers as (
    select
        device_key,
        user_key,
        occurred_at
    from new_events
    where analytics_consent is not null and reject_reason is null
    union all
    select
        device_key,
        user_key,
        occurred_at
    from gone_events
    where analytics_consent is not null and reject_reason is null
),

answered_devices as (
    select
        device_key,
        min(occurred_at) as answered_since
    from new_answers
    group by device_key
),

answered_users as (
    select
        user_key,
        min(occurred_at) as answered_since
    from new_answers
    group by user_key
),

asking_events as {{ not_materialized() }} (
    select * from standing_events
    where
        (analytics_consent is null or {{ withdraws_all() }})
        and reject_reason is null
),

-- Events that may have another status now: those with a copy that came or went, and those
-- that have another answer.
touched_events as (
    select event_key from new_events
    union distinct
    select event_key from gone_events
    union distinct
    select asking_events.event_key
    from asking_events
    inner join answered_devices
        on asking_events.device_key = answered_devices.device_key
    where
        asking_events.occurred_at >= answered_devices.answered_since
        or {{ withdraws_all() }}
    union distinct
    select asking_events.event_key
    from asking_events
    inner join answered_users
        on asking_events.user_key = answered_users.user_key
    where
        asking_events.occurred_at >= answered_users.answered_since
        or {{ withdraws_all() }}
),

-- Found by their keys alone, then read: they are a handful among all events.
touched_records as {{ materialized() }} (
    select
        load_id,
        record_number
    from standing_events
    where
        reject_reason is null
        and event_key in ({{ few_values('touched_events', 'event_key') }})
),

touched_copies as {{ materialized() }} (
    select standing_events.*
    from standing_events
    inner join touched_records
        on
            standing_events.load_id = touched_records.load_id
            and standing_events.record_number = touched_records.record_number
),

{% endif -%}
-- Which copy of an event counts is settled among all its copies, whenever they landed.
copies as {{ not_materialized() }} (
    select * from new_events
    {% if is_incremental() -%}
        union all
        select * from touched_copies
    {%- endif %}
),

repeated_events as (
    select event_key
    from copies
    where reject_reason is null
    group by event_key
    having count(*) > 1
),

repeated_copies as (
    select
        load_id,
        record_number,
        event_key,
        received_at,
        {{ hash_key(content_columns) }} as content_key
    from copies
    where
        reject_reason is null
        and event_key in ({{ few_values('repeated_events', 'event_key') }})
),

numbered_copies as (
    select
        load_id,
        record_number,
        row_number() over (
            partition by event_key
            order by
                coalesce(received_at, cast('9999-12-31' as timestamp)),
                content_key,
                load_id,
                record_number
        ) as copy_number
    from repeated_copies
),

-- An event that says nothing about consent has the latest answer of its device or user;
-- only identifiers that have both questions and answers are looked at.
asking_keys as {{ not_materialized() }} (
    select * from copies
    where
        (analytics_consent is null or {{ withdraws_all() }})
        and reject_reason is null
),

asking_identifiers as (
    select device_key as identifier_key from asking_keys
    union distinct
    select user_key as identifier_key from asking_keys
    where user_key is not null
),

answering_keys as {{ not_materialized() }} (
    select
        device_key,
        user_key,
        analytics_consent,
        occurred_at
    from copies
    where analytics_consent is not null and reject_reason is null
    {% if is_incremental() -%}
        union all
        select
            device_key,
            user_key,
            analytics_consent,
            occurred_at
        from standing_events
        where analytics_consent is not null and reject_reason is null
    {%- endif %}
),

answers as {{ materialized() }} (
    select
        device_key as identifier_key,
        analytics_consent,
        occurred_at
    from answering_keys
    where
        device_key in (
            select asking_identifiers.identifier_key from asking_identifiers
        )
    union all
    select
        user_key as identifier_key,
        analytics_consent,
        occurred_at
    from answering_keys
    where
        user_key in (
            select asking_identifiers.identifier_key from asking_identifiers
        )
),

questions as (
    select
        load_id,
        record_number,
        device_key as identifier_key,
        occurred_at
    from asking_keys
    where analytics_consent is null
    union all
    select
        load_id,
        record_number,
        user_key as identifier_key,
        occurred_at
    from asking_keys
    where analytics_consent is null and user_key <> device_key
),

-- At one time questions come after the answers, and of two answers the refusal holds:
-- `granted` comes before it.
stream as (
    select
        identifier_key,
        cast(null as {{ dbt.type_int() }}) as load_id,
        cast(null as {{ dbt.type_int() }}) as record_number,
        analytics_consent,
        occurred_at,
        occurred_at as answered_at,
        0 as is_question
    from answers
    union all
    select
        identifier_key,
        load_id,
        record_number,
        cast(null as {{ dbt.type_string() }}) as analytics_consent,
        occurred_at,
        cast(null as {{ dbt.type_timestamp() }}) as answered_at,
        1 as is_question
    from questions
    where identifier_key in (select answers.identifier_key from answers)
),

answered_questions as (
    select
        load_id,
        record_number,
        is_question,
        {{ last_known('analytics_consent') }} over so_far as analytics_consent,
        {{ last_known('answered_at') }} over so_far as answered_at
    from stream
    window so_far as (
        partition by identifier_key
        order by
            occurred_at asc,
            is_question asc,
            analytics_consent desc,
            load_id asc,
            record_number asc
        rows between unbounded preceding and current row
    )
),

-- Of the device's and the user's answer the later one.
possible_answers as (
    select
        load_id,
        record_number,
        analytics_consent,
        row_number() over (
            partition by load_id, record_number
            order by answered_at desc, analytics_consent asc
        ) as answer_number
    from answered_questions
    where is_question = 1 and answered_at is not null
),

latest_answers as (
    select * from possible_answers
    where answer_number = 1
),

numbered_answers as (
    select
        *,
        row_number() over (
            partition by identifier_key
            order by occurred_at desc, analytics_consent asc
        ) as answer_number
    from answers
    where {{ withdraws_all() }}
),

withdrawn_identifiers as (
    select identifier_key from numbered_answers
    where answer_number = 1 and analytics_consent = 'denied'
),

answered as (
    select
        copies.load_id,
        copies.record_number,
        copies.country_code,
        copies.copy_number as known_copy_number,
        copies.is_withheld as is_known_withheld,
        coalesce(numbered_copies.copy_number, 1) as copy_number,
        case
            when withdrawn_devices.identifier_key is not null then 'denied'
            when withdrawn_users.identifier_key is not null then 'denied'
            else
                coalesce(
                    copies.analytics_consent,
                    latest_answers.analytics_consent,
                    'unknown'
                )
        end as consent_status
    from copies
    left join numbered_copies
        on
            copies.load_id = numbered_copies.load_id
            and copies.record_number = numbered_copies.record_number
    left join latest_answers
        on
            copies.load_id = latest_answers.load_id
            and copies.record_number = latest_answers.record_number
    left join withdrawn_identifiers as withdrawn_devices
        on copies.device_key = withdrawn_devices.identifier_key
    left join withdrawn_identifiers as withdrawn_users
        on copies.user_key = withdrawn_users.identifier_key
),

gated as (
    select
        answered.*,
        case
            when answered.consent_status = 'denied' then true
            when answered.consent_status = 'granted' then false
            when unknown_consent.unknown_policy = 'by_region'
                then consent_required_regions.country_code is not null
            else unknown_consent.unknown_policy = 'withheld'
        end as is_withheld
    from answered
    cross join unknown_consent
    left join consent_required_regions
        on
            coalesce(answered.country_code, unknown_consent.default_country_code)
            = consent_required_regions.country_code
),

final as (
    select
        -- keys
        load_id,
        record_number,

        -- measures
        copy_number,
        (select max(loads.load_id) from loads) as classified_at_load_id,

        -- flags
        is_withheld
    from gated
    where copy_number <> known_copy_number or is_withheld <> is_known_withheld
)

select * from final
