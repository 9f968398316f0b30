{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id not in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status = 'loaded'
        )",
    )
}}

{% set copied_columns = [
    'load_id', 'record_number', 'event_key', 'device_key', 'user_key', 'content_key',
    'message_id', 'anonymous_id', 'user_id', 'previous_id', 'email_hash', 'phone_hash',
    'product_id', 'order_id', 'source_name', 'event_type', 'event_name', 'country_code',
    'device_type', 'page_path', 'page_referrer', 'campaign_source', 'campaign_medium',
    'campaign_name', 'category', 'currency_code', 'analytics_consent',
    'personalization_consent', 'advertising_consent', 'reject_reason', 'quantity',
    'price_amount', 'revenue_amount', 'occurred_at', 'received_at',
] -%}
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

unioned_events as (
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

{% if is_incremental() -%}
new_loads as (
    select load_id from loads
    where
        load_status = 'loaded'
        and load_id not in (select load_id from {{ this }})
),

standing_events as (
    select * from {{ this }}
    where load_id in (
            select loads.load_id from loads where loads.load_status = 'loaded'
        )
),

-- Rows of a file that a newer version replaced: they go, and what they said with them.
gone_events as (
    select * from {{ this }}
    where load_id not in (
            select loads.load_id from loads where loads.load_status = 'loaded'
        )
),

{% endif -%}
landed_events as (
    select unioned_events.*
    from unioned_events
    {% if is_incremental() -%}
        inner join new_loads
            on unioned_events.load_id = new_loads.load_id
    {%- endif %}
),

{% if is_incremental() -%}
-- Answers that came or went in this run, and from when on they matter.
new_answers as (
    select
        device_key,
        user_key,
        occurred_at
    from landed_events
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

asking_events as (
    select * from standing_events
    where
        (analytics_consent is null or {{ withdraws_all() }})
        and reject_reason is null
),

-- Events that may have another status now: those with a copy that came or went, and those
-- that have another answer.
touched_events as (
    select event_key from landed_events
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

touched_copies as (
    select * from standing_events
    where
        record_status <> 'rejected'
        and event_key in (select touched_events.event_key from touched_events)
),

-- What a withheld event says was not kept; staging still has it.
reread_events as (
    select unioned_events.*
    from unioned_events
    inner join touched_copies
        on
            unioned_events.load_id = touched_copies.load_id
            and unioned_events.record_number = touched_copies.record_number
    where touched_copies.is_withheld
),

{% endif -%}
-- Which copy of an event counts is settled among all its copies, whenever they landed.
copies as {{ materialized() }} (
    select {{ copied_columns | join(', ') }}
    from landed_events
    {% if is_incremental() -%}
        union all
        select {{ copied_columns | join(', ') }}
        from touched_copies
        where not is_withheld
        union all
        select {{ copied_columns | join(', ') }}
        from reread_events
    {%- endif %}
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_key, case when reject_reason is null then 1 else 0 end
            order by
                coalesce(received_at, cast('9999-12-31' as timestamp)),
                content_key,
                load_id,
                record_number
        ) as copy_number
    from copies
),

-- An event that says nothing about consent has the latest answer of its device or user.
questions as (
    select
        load_id,
        record_number,
        device_key as identifier_key,
        occurred_at
    from copies
    where
        (analytics_consent is null or {{ withdraws_all() }})
        and reject_reason is null
    union distinct
    select
        load_id,
        record_number,
        user_key as identifier_key,
        occurred_at
    from copies
    where
        (analytics_consent is null or {{ withdraws_all() }})
        and reject_reason is null
        and user_key is not null
),

{% if is_incremental() -%}
standing_answers as (
    select * from standing_events
    where
        device_key in (select questions.identifier_key from questions)
        or user_key in (select questions.identifier_key from questions)
),

{% endif -%}
given_answers as (
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
        from standing_answers
        where analytics_consent is not null and reject_reason is null
    {%- endif %}
),

answers as (
    select
        device_key as identifier_key,
        analytics_consent,
        occurred_at
    from given_answers
    union all
    select
        user_key as identifier_key,
        analytics_consent,
        occurred_at
    from given_answers
    where user_key is not null
),

-- Of two answers at one time the refusal holds: `denied` sorts before `granted`.
answer_periods as (
    select
        identifier_key,
        min(analytics_consent) as analytics_consent,
        occurred_at as answered_at,
        lead(occurred_at) over (
            partition by identifier_key
            order by occurred_at
        ) as answered_until
    from answers
    group by identifier_key, occurred_at
),

possible_answers as (
    select
        questions.load_id,
        questions.record_number,
        answer_periods.analytics_consent,
        row_number() over (
            partition by questions.load_id, questions.record_number
            order by
                answer_periods.answered_at desc,
                answer_periods.analytics_consent asc
        ) as answer_number
    from questions
    inner join answer_periods
        on
            questions.identifier_key = answer_periods.identifier_key
            and questions.occurred_at >= answer_periods.answered_at
            and questions.occurred_at < coalesce(
                answer_periods.answered_until, cast('9999-12-31' as timestamp)
            )
),

latest_answers as (
    select * from possible_answers
    where answer_number = 1
),

withdrawn_identifiers as (
    select identifier_key
    from answer_periods
    where
        {{ withdraws_all() }}
        and answered_until is null
        and analytics_consent = 'denied'
),

answered as (
    select
        numbered.*,
        case
            when withdrawn_devices.identifier_key is not null then 'denied'
            when withdrawn_users.identifier_key is not null then 'denied'
            else
                coalesce(
                    numbered.analytics_consent,
                    latest_answers.analytics_consent,
                    'unknown'
                )
        end as consent_status
    from numbered
    left join latest_answers
        on
            numbered.load_id = latest_answers.load_id
            and numbered.record_number = latest_answers.record_number
    left join withdrawn_identifiers as withdrawn_devices
        on numbered.device_key = withdrawn_devices.identifier_key
    left join withdrawn_identifiers as withdrawn_users
        on numbered.user_key = withdrawn_users.identifier_key
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

-- Of a withheld event stays what it takes to count it and to ask again.
final as (
    select
        -- keys
        load_id,
        record_number,
        event_key,
        device_key,
        user_key,
        content_key,
        case when not is_withheld then message_id end as message_id,
        case when not is_withheld then anonymous_id end as anonymous_id,
        case when not is_withheld then user_id end as user_id,
        case when not is_withheld then previous_id end as previous_id,
        case when not is_withheld then email_hash end as email_hash,
        case when not is_withheld then phone_hash end as phone_hash,
        case when not is_withheld then product_id end as product_id,
        case when not is_withheld then order_id end as order_id,

        -- attributes
        source_name,
        event_type,
        case when not is_withheld or event_type = 'track' then event_name end
            as event_name,
        country_code,
        case when not is_withheld then device_type end as device_type,
        case when not is_withheld then page_path end as page_path,
        case when not is_withheld then page_referrer end as page_referrer,
        case when not is_withheld then campaign_source end as campaign_source,
        case when not is_withheld then campaign_medium end as campaign_medium,
        case when not is_withheld then campaign_name end as campaign_name,
        case when not is_withheld then category end as category,
        case when not is_withheld then currency_code end as currency_code,
        analytics_consent,
        personalization_consent,
        advertising_consent,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            when is_withheld then 'withheld'
            else 'accepted'
        end as record_status,
        reject_reason,

        -- measures
        copy_number,
        case when not is_withheld then quantity end as quantity,
        case when not is_withheld then price_amount end as price_amount,
        case when not is_withheld then revenue_amount end as revenue_amount,
        -- What reads this in slices starts from the newest load when a row was written.
        (select max(loads.load_id) from loads) as classified_at_load_id,

        -- flags
        is_withheld,

        -- times
        occurred_at,
        received_at
    from gated
)

select * from final
