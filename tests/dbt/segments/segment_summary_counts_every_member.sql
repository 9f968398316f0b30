{{ config(meta={'dagster': {'ref': {'name': 'segment_summary'}}}) }}

-- Guards that the summary's segments are a partition of the members of each set, and
-- that their shares are shares of one whole.
with

segment_memberships as (
    select * from {{ ref('segment_memberships') }}
    where segment <> 'merged'
),

segment_summary as (
    select * from {{ ref('segment_summary') }}
),

members as (
    select
        segment_set,
        count(*) as n_members
    from segment_memberships
    group by segment_set
),

summed as (
    select
        segment_set,
        sum(n_customers) as n_customers,
        sum(customer_share_rate) as customer_share_rate
    from segment_summary
    group by segment_set
),

final as (
    select
        members.segment_set,
        members.n_members,
        summed.n_customers,
        summed.customer_share_rate
    from members
    left join summed
        on members.segment_set = summed.segment_set
    where
        coalesce(summed.n_customers, 0) <> members.n_members
        or abs(summed.customer_share_rate - 1) > 1e-9
)

select * from final
