{{ config(meta={'dagster': {'ref': {'name': 'threshold_proposals'}}}) }}

-- Guards that every proposal is listed once, that a threshold has at most one that is
-- in force and one that waits, and that who accepted a proposal took its value. A row
-- of the seed whose proposal isn't known is of another warehouse, or of before this
-- one.
with

threshold_proposals as (
    select * from {{ ref('threshold_proposals') }}
),

found as (
    select * from {{ ref('stg_python__threshold_proposals') }}
),

accepted_thresholds as (
    select * from {{ ref('accepted_thresholds') }}
),

counted as (
    select
        threshold_name,
        count(*) as n_proposals,
        sum(case when status = 'accepted' then 1 else 0 end) as n_accepted,
        sum(case when status = 'proposed' then 1 else 0 end) as n_waiting
    from threshold_proposals
    group by threshold_name
),

expected as (
    select
        threshold_name,
        count(*) as n_proposals
    from found
    group by threshold_name
),

final as (
    select
        expected.threshold_name,
        'expected every proposal once, one in force and one that waits' as problem
    from expected
    left join counted
        on expected.threshold_name = counted.threshold_name
    where
        coalesce(counted.n_proposals, 0) <> expected.n_proposals
        or counted.n_accepted > 1
        or counted.n_waiting > 1
    union all
    select
        accepted_thresholds.threshold_name,
        'accepted_thresholds: threshold_value is not the one that '
        || accepted_thresholds.proposal_id || ' proposes' as problem
    from accepted_thresholds
    inner join found
        on accepted_thresholds.proposal_id = found.proposal_id
    where
        accepted_thresholds.threshold_name <> found.threshold_name
        or not found.is_proposed
        or accepted_thresholds.threshold_value <> found.candidate_value
)

select * from final
