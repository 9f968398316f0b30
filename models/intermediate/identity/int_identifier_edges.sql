with

identifiers as (
    select * from {{ ref('int_identifiers') }}
),

pairs as (
    select * from {{ ref('int_identifier_pairs') }}
),

strong_components as (
    select * from {{ ref('int_strong_components') }}
),

-- A reason of the pair's own ends comes first.
limited as (
    select
        pairs.*,
        case
            when
                left_identifiers.block_reason = 'too_long'
                or right_identifiers.block_reason = 'too_long'
                then 'too_long'
            when
                left_identifiers.block_reason = 'blocked_value'
                or right_identifiers.block_reason = 'blocked_value'
                then 'blocked_value'
            when
                left_identifiers.block_reason = 'too_many_identifiers'
                or right_identifiers.block_reason = 'too_many_identifiers'
                then 'too_many_identifiers'
        end as block_reason,
        case
            when pairs.left_identifier_strength = 'device'
                then pairs.left_identifier_key
            when pairs.right_identifier_strength = 'device'
                then pairs.right_identifier_key
        end as device_identifier_key,
        case
            when pairs.left_identifier_strength = 'device'
                then pairs.right_identifier_key
            when pairs.right_identifier_strength = 'device'
                then pairs.left_identifier_key
        end as strong_identifier_key
    from pairs
    inner join identifiers as left_identifiers
        on pairs.left_identifier_key = left_identifiers.identifier_key
    inner join identifiers as right_identifiers
        on pairs.right_identifier_key = right_identifiers.identifier_key
),

joined as (
    select
        limited.*,
        strong_components.component_id
    from limited
    left join strong_components
        on limited.strong_identifier_key = strong_components.node
),

devices as (
    select
        device_identifier_key,
        count(distinct component_id) as n_components
    from joined
    where device_identifier_key is not null and block_reason is null
    group by device_identifier_key
),

final as (
    select
        -- keys
        joined.left_identifier_key,
        joined.right_identifier_key,
        joined.device_identifier_key,
        joined.component_id,

        -- attributes
        joined.left_identifier_type,
        joined.right_identifier_type,
        joined.evidence,
        case
            when joined.block_reason is not null then joined.block_reason
            when devices.n_components > 1 then 'shared_device'
        end as reject_reason,

        -- measures
        joined.n_records,

        -- times
        joined.first_seen_at,
        joined.last_seen_at
    from joined
    left join devices
        on joined.device_identifier_key = devices.device_identifier_key
)

select * from final
