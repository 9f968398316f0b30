{{ config(meta={'dagster': {'ref': {'name': 'segment_survival'}}}) }}

-- Guards that every stay that began after the set's first snapshot is at risk from its
-- entry until it ends or is no longer seen, and that rates fall from 1 and stay shares.
-- Stays are counted in the snapshot itself.
with

segment_survival as (
    select * from {{ ref('segment_survival') }}
),

history as (
    select * from {{ ref('snap_segment_memberships') }}
),

first_dates as (
    select
        segment_set,
        min(dbt_valid_from) as first_valid_from
    from history
    group by segment_set
),

entered as (
    select
        history.segment_set,
        history.segment,
        count(*) as n_stays
    from history
    inner join first_dates
        on history.segment_set = first_dates.segment_set
    where
        history.segment <> 'merged'
        and history.dbt_valid_from > first_dates.first_valid_from
    group by history.segment_set, history.segment
),

entries as (
    select * from segment_survival
    where n_months_since_entry = 0
),

followed as (
    select
        *,
        lead(n_at_risk) over (
            partition by segment_set, segment order by n_months_since_entry
        ) as n_next_at_risk,
        lead(survival_rate) over (
            partition by segment_set, segment order by n_months_since_entry
        ) as next_survival_rate
    from segment_survival
),

final as (
    select
        coalesce(entered.segment_set, entries.segment_set) as segment_set,
        coalesce(entered.segment, entries.segment) as segment,
        0 as n_months_since_entry
    from entered
    full outer join entries
        on
            entered.segment_set = entries.segment_set
            and entered.segment = entries.segment
    where
        coalesce(entered.n_stays, 0) <> coalesce(entries.n_at_risk, 0)
        or entries.survival_rate <> 1
    union all
    select
        segment_set,
        segment,
        n_months_since_entry
    from followed
    where
        n_exits + n_censored > n_at_risk
        or n_at_risk - n_exits - n_censored <> n_next_at_risk
        or (
            n_next_at_risk is null
            and n_months_since_entry < {{ var('survival_months') }}
            and n_at_risk <> n_exits + n_censored
        )
        or next_survival_rate > survival_rate
        or survival_rate not between 0 and 1
)

select * from final
