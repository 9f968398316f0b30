-- Each pair as a link, or with the reason why it is none.
with

blocked_identifiers as (
    select * from {{ ref('int_identifiers') }}
    where block_reason is not null
),

pairs as (
    select * from {{ ref('int_identifier_pairs') }}
    where not is_gone
),

strong_components as (
    select * from {{ ref('int_strong_components') }}
),

-- A reason of the pair's own ends comes first, the gravest of the two. Only a strong
-- identifier that is linked to another one has a component.
limited as (
    select
        pairs.*,
        case
            when left_blocked.block_reason is null then right_blocked.block_reason
            when right_blocked.block_reason is null then left_blocked.block_reason
            when 'too_long' in (left_blocked.block_reason, right_blocked.block_reason)
                then 'too_long'
            when
                'blocked_value'
                in (left_blocked.block_reason, right_blocked.block_reason)
                then 'blocked_value'
            else 'too_many_identifiers'
        end as block_reason,
        case
            when pairs.left_type in ('anonymous_id', 'ga4_pseudo_id')
                then pairs.left_key
        end as device_key,
        case
            when pairs.left_type in ('anonymous_id', 'ga4_pseudo_id')
                then coalesce(strong_components.component_id, pairs.right_key)
        end as component_id
    from pairs
    left join blocked_identifiers as left_blocked
        on pairs.left_key = left_blocked.compact_identifier_key
    left join blocked_identifiers as right_blocked
        on pairs.right_key = right_blocked.compact_identifier_key
    left join strong_components
        on pairs.right_key = strong_components.node
),

shared_devices as (
    select device_key
    from limited
    where device_key is not null and block_reason is null
    group by device_key
    having min(component_id) <> max(component_id)
),

final as (
    select
        -- keys
        limited.left_key,
        limited.right_key,
        limited.device_key,
        limited.component_id,

        -- attributes
        limited.left_type,
        limited.right_type,
        limited.evidence,
        case
            when limited.block_reason is not null then limited.block_reason
            when shared_devices.device_key is not null then 'shared_device'
        end as reject_reason,

        -- measures
        limited.n_records,

        -- times
        limited.first_seen_at,
        limited.last_seen_at
    from limited
    left join shared_devices
        on limited.device_key = shared_devices.device_key
)

select * from final
