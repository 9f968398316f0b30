{{ config(materialized='view') }}

with

history as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
),

personalised_customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

clustered as (
    select * from history
    where
        dbt_valid_to is null
        and segment_set = 'cluster'
        and segment not in ('none', 'merged')
),

-- The same as-of date again leaves the snapshot alone, but a withdrawal holds at once:
-- these are in no cluster from the as-of date on. They are few.
withdrawn_memberships as (
    select
        clustered.customer_id,
        clustered.segment_set
    from clustered
    left join personalised_customers
        on clustered.customer_id = personalised_customers.customer_id
    where personalised_customers.customer_id is null
),

withdrawn_periods as (
    select
        history.customer_id,
        history.segment_set,
        history.segment,
        cast(history.dbt_valid_from as date) as valid_from_date
    from history
    inner join withdrawn_memberships
        on
            history.customer_id = withdrawn_memberships.customer_id
            and history.segment_set = withdrawn_memberships.segment_set
    where history.dbt_valid_from < {{ as_of_date() }}
    union all
    select
        customer_id,
        segment_set,
        'none' as segment,
        {{ as_of_date() }} as valid_from_date
    from withdrawn_memberships
),

-- Who came back into a cluster at the as-of date and withdrew never left `none`.
withdrawn_compared as (
    select
        *,
        lag(segment) over (
            partition by customer_id, segment_set order by valid_from_date
        ) as previous_segment
    from withdrawn_periods
),

withdrawn_stays as (
    select
        customer_id,
        segment_set,
        segment,
        previous_segment,
        valid_from_date,
        lead(valid_from_date) over (
            partition by customer_id, segment_set order by valid_from_date
        ) as valid_to_date
    from withdrawn_compared
    where previous_segment is null or previous_segment <> segment
),

-- The snapshot begins a row only where the segment changes, so a row is a stay.
other_periods as (
    select history.*
    from history
    left join withdrawn_memberships
        on
            history.customer_id = withdrawn_memberships.customer_id
            and history.segment_set = withdrawn_memberships.segment_set
    where withdrawn_memberships.customer_id is null
),

ended_periods as (
    select * from history
    where dbt_valid_to is not null
),

other_stays as (
    select
        other_periods.customer_id,
        other_periods.segment_set,
        other_periods.segment,
        ended_periods.segment as previous_segment,
        cast(other_periods.dbt_valid_from as date) as valid_from_date,
        cast(other_periods.dbt_valid_to as date) as valid_to_date
    from other_periods
    left join ended_periods
        on
            other_periods.customer_id = ended_periods.customer_id
            and other_periods.segment_set = ended_periods.segment_set
            and other_periods.dbt_valid_from = ended_periods.dbt_valid_to
),

stays as (
    select * from other_stays
    union all
    select * from withdrawn_stays
),

final as (
    select
        -- keys
        customer_id,
        segment_set,

        -- attributes
        segment,
        previous_segment,

        -- flags
        valid_to_date is null as is_current,

        -- times
        valid_from_date,
        valid_to_date
    from stays
)

select * from final
