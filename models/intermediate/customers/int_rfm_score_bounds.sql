{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where measure is null",
    )
}}

-- A score depends on everybody's place, and places are counted by value: there are far
-- fewer values than customers. Only dates are counted again whose facts changed.
with

customer_facts as {{ not_materialized() }} (
    select * from {{ ref('int_customer_facts_by_date') }}
    where n_orders_window > 0
),

states as (
    select
        as_of_date,
        window_start_date,
        count(*) as n_purchasers,
        max(days_change_number) as days_change_number
    from customer_facts
    group by as_of_date, window_start_date
),

{% if is_incremental() -%}
standing_states as (
    select
        as_of_date,
        window_start_date,
        n_purchasers,
        days_change_number
    from {{ this }}
    group by as_of_date, window_start_date, n_purchasers, days_change_number
),

changed_dates as (
    select coalesce(states.as_of_date, standing_states.as_of_date) as as_of_date
    from states
    full outer join standing_states
        on
            states.as_of_date = standing_states.as_of_date
            and states.window_start_date = standing_states.window_start_date
            and states.n_purchasers = standing_states.n_purchasers
            and states.days_change_number = standing_states.days_change_number
    where states.as_of_date is null or standing_states.as_of_date is null
    group by coalesce(states.as_of_date, standing_states.as_of_date)
),

{% else -%}
changed_dates as (
    select as_of_date from states
),

{% endif -%}
measured as {{ not_materialized() }} (
    select
        as_of_date,
        {{ dbt.datediff('last_purchase_date', 'as_of_date', 'day') }}
            as recency_days,
        n_orders_window as n_orders,
        gross_amount_window - discount_amount_window - refund_amount_window
            as monetary_amount
    from customer_facts
    where as_of_date in (select changed_dates.as_of_date from changed_dates)
),

counted as (
    select
        as_of_date,
        'recency_days' as measure,
        cast(recency_days as {{ type_amount() }}) as measure_value,
        count(*) as n_purchasers
    from measured
    group by as_of_date, recency_days
    union all
    select
        as_of_date,
        'n_orders' as measure,
        cast(n_orders as {{ type_amount() }}) as measure_value,
        count(*) as n_purchasers
    from measured
    group by as_of_date, n_orders
    union all
    select
        as_of_date,
        'monetary_amount' as measure,
        cast(monetary_amount as {{ type_amount() }}) as measure_value,
        count(*) as n_purchasers
    from measured
    group by as_of_date, monetary_amount
),

-- The place of a value is the number of customers with a lower one.
placed as (
    select
        as_of_date,
        measure,
        measure_value,
        sum(n_purchasers) over (
            partition by as_of_date, measure
            order by measure_value
        ) - n_purchasers as place,
        sum(n_purchasers) over (partition by as_of_date, measure) as n_places
    from counted
),

stepped as (
    select
        as_of_date,
        measure,
        measure_value,
        floor(5.0 * place / n_places) as step
    from placed
),

-- Few days are good, many orders and much money.
scored as (
    select
        as_of_date,
        measure,
        case when measure = 'recency_days' then 5 - step else 1 + step end as score,
        min(measure_value) as lowest_value,
        max(measure_value) as highest_value
    from stepped
    group by
        as_of_date,
        measure,
        case when measure = 'recency_days' then 5 - step else 1 + step end
),

bounded_scores as (
    select 2 as score
    union all
    select 3 as score
    union all
    select 4 as score
    union all
    select 5 as score
),

-- The last value that still has a score, or a better one.
bounds as (
    select
        scored.as_of_date,
        scored.measure,
        bounded_scores.score,
        case
            when scored.measure = 'recency_days' then max(scored.highest_value)
            else min(scored.lowest_value)
        end as bound
    from scored
    inner join bounded_scores
        on scored.score >= bounded_scores.score
    group by scored.as_of_date, scored.measure, bounded_scores.score
),

-- A date that nobody has purchases of is written once, without a measure, and deleted
-- in the same transaction.
final as (
    select
        changed_dates.as_of_date,
        states.window_start_date,
        states.n_purchasers,
        states.days_change_number,
        bounds.measure,
        bounds.score,
        bounds.bound
    from changed_dates
    left join states
        on changed_dates.as_of_date = states.as_of_date
    left join bounds
        on changed_dates.as_of_date = bounds.as_of_date
)

select * from final
