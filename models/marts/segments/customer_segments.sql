{{ config(materialized='view') }}

with

history as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
),

-- The same as-of date again leaves history alone, but a withdrawal holds at once.
personalised_customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

current_rows as (
    select * from history
    where dbt_valid_to is null
),

ended_rows as (
    select * from history
    where dbt_valid_to is not null
),

final as (
    select
        -- keys
        {{ hash_key(['current_rows.customer_id', 'current_rows.segment_set']) }}
            as membership_key,
        current_rows.customer_id,

        -- attributes
        current_rows.segment_set,
        case
            when
                current_rows.segment_set = 'cluster'
                and current_rows.segment <> 'merged'
                and personalised_customers.customer_id is null
                then 'none'
            else current_rows.segment
        end as segment,
        ended_rows.segment as previous_segment,

        -- times
        cast(current_rows.dbt_valid_from as date) as since_date
    from current_rows
    left join ended_rows
        on
            current_rows.customer_id = ended_rows.customer_id
            and current_rows.segment_set = ended_rows.segment_set
            and current_rows.dbt_valid_from = ended_rows.dbt_valid_to
    left join personalised_customers
        on current_rows.customer_id = personalised_customers.customer_id
)

select * from final
