{{ config(meta={'dagster': {'ref': {'name': 'customer_segment_history'}}}) }}

-- Guards every "as of" join: stays of a customer and set follow one another without gap
-- or overlap. Each ends after it began, and on each date those end that another one
-- follows, of the same customers: so every way through time leads to a stay that lasts,
-- and of those each customer has one (the test beside this). Looked at are the dates on
-- which the run may have changed something.
with

stays as {{ not_materialized() }} (
    select * from {{ ref('customer_segment_history') }}
),

ends as (
    select
        segment_set,
        valid_to_date as changed_date,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from stays
    where not is_current and {{ changed_rows('valid_to_date') }}
    group by segment_set, valid_to_date
),

begins as (
    select
        segment_set,
        valid_from_date as changed_date,
        count(*) as n_customers,
        {{ checksum('customer_id') }} as customers
    from stays
    where previous_segment is not null and {{ changed_rows('valid_from_date') }}
    group by segment_set, valid_from_date
),

misfits as (
    select
        coalesce(ends.segment_set, begins.segment_set) as segment_set,
        coalesce(ends.changed_date, begins.changed_date) as changed_date,
        'ends and begins differ' as finding,
        coalesce(ends.n_customers, 0) as n_ends,
        coalesce(begins.n_customers, 0) as n_begins
    from ends
    full outer join begins
        on
            ends.segment_set = begins.segment_set
            and ends.changed_date = begins.changed_date
    where
        coalesce(ends.n_customers, 0) <> coalesce(begins.n_customers, 0)
        or coalesce(ends.customers, 0) <> coalesce(begins.customers, 0)
),

impossible_stays as (
    select
        segment_set,
        valid_from_date as changed_date,
        'a stay is no stay' as finding,
        0 as n_ends,
        count(*) as n_begins
    from stays
    where
        {{ changed_rows('valid_from_date') }}
        and (
            segment is null
            or segment = previous_segment
            or valid_to_date <= valid_from_date
            or is_current <> (valid_to_date is null)
        )
    group by segment_set, valid_from_date
),

final as (
    select * from misfits
    union all
    select * from impossible_stays
)

select * from final
