{{ config(meta={'dagster': {'ref': {'name': 'segment_assignments'}}}) }}

-- Guards that each set that SQL assigns has every customer of every as-of date, so that
-- no join on the way loses or doubles one.
with

segment_assignments as (
    select * from {{ ref('segment_assignments') }}
    where {{ changed_rows('as_of_date') }}
),

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
    where {{ changed_rows('as_of_date') }}
),

assigned as (
    select
        as_of_date,
        segment_set,
        count(*) as n_assigned
    from segment_assignments
    group by as_of_date, segment_set
),

known as (
    select
        as_of_date,
        count(*) as n_known
    from customer_facts
    group by as_of_date
),

final as (
    select
        known.as_of_date,
        assigned.segment_set,
        known.n_known,
        assigned.n_assigned
    from known
    left join assigned
        on known.as_of_date = assigned.as_of_date
    where coalesce(assigned.n_assigned, 0) <> known.n_known
)

select * from final
