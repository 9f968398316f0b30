with

history as (
    select * from {{ ref('snap_segment_memberships') }}
),

-- The same as-of date again leaves history alone, but a withdrawal holds at once.
personalised_customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

ordered as (
    select
        *,
        lag(segment) over (
            partition by membership_key
            order by dbt_valid_from, dbt_scd_id
        ) as previous_segment
    from history
),

final as (
    select
        -- keys
        ordered.membership_key,
        ordered.customer_id,

        -- attributes
        ordered.segment_set,
        case
            when
                ordered.segment_set = 'cluster'
                and ordered.segment <> 'merged'
                and personalised_customers.customer_id is null
                then 'none'
            else ordered.segment
        end as segment,
        ordered.previous_segment,

        -- times
        cast(ordered.dbt_valid_from as date) as since_date
    from ordered
    left join personalised_customers
        on ordered.customer_id = personalised_customers.customer_id
    where ordered.dbt_valid_to is null
)

select * from final
