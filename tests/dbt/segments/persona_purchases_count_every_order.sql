{{ config(meta={'dagster': {'ref': {'name': 'persona_purchases'}}}) }}

-- Guards that weekdays hold every order of the trailing window, once, and no kind of
-- habit more than all of a persona's purchases.
with

personas as (
    select * from {{ ref('personas') }}
),

persona_purchases as (
    select * from {{ ref('persona_purchases') }}
),

counted as (
    select
        persona_key,
        sum(case when dimension_type = 'weekday' then n_purchases else 0 end)
            as n_weekday_orders,
        sum(case when dimension_type = 'hour' then n_purchases else 0 end)
            as n_hour_orders,
        sum(case when dimension_type = 'weekday' then share_rate else 0 end)
            as weekday_share_rate
    from persona_purchases
    group by persona_key
),

final as (
    select
        personas.persona_key,
        personas.n_orders,
        counted.n_weekday_orders,
        counted.n_hour_orders,
        counted.weekday_share_rate
    from personas
    left join counted
        on personas.persona_key = counted.persona_key
    where
        personas.n_orders <> coalesce(counted.n_weekday_orders, 0)
        or personas.n_orders < coalesce(counted.n_hour_orders, 0)
        or abs(coalesce(counted.weekday_share_rate, 1) - 1) > 0.000001
)

select * from final
