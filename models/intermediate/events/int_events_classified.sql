{{ config(materialized='view') }}

-- A view: an event is written once, in the schema of staging, and this is what may be
-- read of it past there. One that nobody has judged isn't shown.
-- depends_on: {{ ref('int_event_statuses') }}
with

events as (
    select * from {{ ref('int_events_unioned') }}
    where classified_at_load_id is not null
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
        -- What reads this in slices starts from the newest load when a row was judged.
        classified_at_load_id,

        -- flags
        is_withheld,

        -- times
        occurred_at,
        received_at
    from events
)

select * from final
