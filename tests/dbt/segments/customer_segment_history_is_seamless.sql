{{ config(meta={'dagster': {'ref': {'name': 'customer_segment_history'}}}) }}

-- Guards every "as of" join: stays of a customer and set follow one another without gap
-- or overlap, each in another segment than the one before, from which it says it came,
-- and only the last one lasts. Looked at are memberships that the run may have changed:
-- a change begins a stay at the as-of date.
with

stays as (
    select * from {{ ref('customer_segment_history') }}
),

changed_memberships as (
    select
        customer_id,
        segment_set
    from stays
    where {{ changed_rows('valid_from_date') }}
    group by customer_id, segment_set
),

changed_stays as (
    select stays.*
    from stays
    inner join changed_memberships
        on
            stays.customer_id = changed_memberships.customer_id
            and stays.segment_set = changed_memberships.segment_set
),

followed as (
    select
        customer_id,
        segment_set,
        segment,
        previous_segment,
        is_current,
        valid_from_date,
        valid_to_date,
        lag(segment) over (
            partition by customer_id, segment_set order by valid_from_date, stay_key
        ) as segment_before,
        lead(valid_from_date) over (
            partition by customer_id, segment_set order by valid_from_date, stay_key
        ) as next_valid_from_date
    from changed_stays
)

select * from followed
where
    valid_to_date <= valid_from_date
    or coalesce(valid_to_date, cast('9999-12-31' as date))
    <> coalesce(next_valid_from_date, cast('9999-12-31' as date))
    or segment = segment_before
    or coalesce(previous_segment, '') <> coalesce(segment_before, '')
    or is_current <> (next_valid_from_date is null)
