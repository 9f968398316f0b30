with

history as (
    select * from {{ ref('snap_segment_memberships') }}
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
        membership_key,
        customer_id,

        -- attributes
        segment_set,
        segment,
        previous_segment,

        -- times
        cast(dbt_valid_from as date) as since_date
    from ordered
    where dbt_valid_to is null
)

select * from final
