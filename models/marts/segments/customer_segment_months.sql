{{ config(materialized='view') }}

with

segment_assignments as (
    select * from {{ ref('segment_assignments') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_month_end
),

final as (
    select
        -- keys
        {{ hash_key([
            'segment_assignments.as_of_date',
            'segment_assignments.customer_id',
            'segment_assignments.segment_set',
        ]) }} as membership_month_key,
        segment_assignments.as_of_date,
        segment_assignments.customer_id,

        -- attributes
        as_of_dates.activity_month as segment_month,
        segment_assignments.segment_set,
        segment_assignments.segment
    from segment_assignments
    inner join as_of_dates
        on segment_assignments.as_of_date = as_of_dates.as_of_date
)

select * from final
