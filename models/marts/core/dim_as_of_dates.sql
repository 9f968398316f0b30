with

as_of_dates as (
    select * from {{ ref('int_as_of_dates') }}
),

final as (
    select
        -- keys
        as_of_date,

        -- attributes
        activity_month,
        window_start_date,

        -- flags
        is_month_end,
        is_current
    from as_of_dates
)

select * from final
