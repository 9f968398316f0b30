{{ config(meta={'dagster': {'ref': {'name': 'customer_rfm_by_date'}}}) }}

-- Guards that scores are 1 to 5, that equal values of one date always get equal scores,
-- and that the inactive, and nobody else, have none.
with

customer_rfm as (
    select * from {{ ref('customer_rfm_by_date') }}
    where {{ changed_rows('as_of_date') }}
),

scores as (
    select
        as_of_date,
        'recency_score' as score_name,
        recency_days as measure,
        recency_score as score,
        n_orders
    from customer_rfm
    union all
    select
        as_of_date,
        'frequency_score' as score_name,
        n_orders as measure,
        frequency_score as score,
        n_orders
    from customer_rfm
    union all
    select
        as_of_date,
        'monetary_score' as score_name,
        monetary_amount as measure,
        monetary_score as score,
        n_orders
    from customer_rfm
)

select
    as_of_date,
    score_name,
    measure
from scores
where n_orders > 0
group by as_of_date, score_name, measure
having
    min(score) <> max(score)
    or count(score) <> count(*)
    or min(score) < 1
    or max(score) > 5
union all
select
    as_of_date,
    score_name,
    measure
from scores
where n_orders = 0 and score is not null
