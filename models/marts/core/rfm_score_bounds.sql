{{ config(materialized='view') }}

with

rank_bounds as (
    select * from {{ ref('int_rfm_score_bounds') }}
    where '{{ rfm_scoring() }}' = 'rank'
),

thresholds as (
    select * from {{ ref('rfm_thresholds') }}
    where score > 1 and '{{ rfm_scoring() }}' = 'thresholds'
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

bounds as (
    select
        as_of_date,
        measure,
        score,
        bound
    from rank_bounds
    union all
    select
        as_of_dates.as_of_date,
        'recency_days' as measure,
        thresholds.score,
        thresholds.recency_days_at_most as bound
    from as_of_dates
    cross join thresholds
    union all
    select
        as_of_dates.as_of_date,
        'n_orders' as measure,
        thresholds.score,
        thresholds.n_orders_at_least as bound
    from as_of_dates
    cross join thresholds
    union all
    select
        as_of_dates.as_of_date,
        'monetary_amount' as measure,
        thresholds.score,
        thresholds.monetary_amount_at_least as bound
    from as_of_dates
    cross join thresholds
),

final as (
    select
        -- keys
        as_of_date,

        -- attributes
        measure,

        -- measures
        cast(score as bigint) as score,
        cast(bound as {{ type_amount() }}) as bound
    from bounds
)

select * from final
