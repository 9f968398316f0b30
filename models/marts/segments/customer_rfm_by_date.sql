{{ config(materialized='view') }}

with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
    where n_orders > 0
),

score_bounds as (
    select * from {{ ref('rfm_score_bounds') }}
),

rfm_segments as (
    select * from {{ ref('rfm_segments') }}
),

bounds as (
    {{ rfm_bounds_in_columns('score_bounds') }}
),

measured as (
    select
        customer_date_key,
        as_of_date,
        customer_id,
        recency_days,
        n_orders_window as n_orders,
        net_amount_window as monetary_amount
    from customer_facts
),

-- Scores place a customer among those with a purchase in the window.
scored as (
    select
        measured.*,
        case
            when measured.n_orders > 0 then {{ rfm_score('recency_days') }}
        end as recency_score,
        case
            when measured.n_orders > 0 then {{ rfm_score('n_orders') }}
        end as frequency_score,
        case
            when measured.n_orders > 0 then {{ rfm_score('monetary_amount') }}
        end as monetary_score
    from measured
    left join bounds
        on measured.as_of_date = bounds.as_of_date
),

final as (
    select
        -- keys
        scored.customer_date_key,
        scored.as_of_date,
        scored.customer_id,

        -- attributes
        coalesce(rfm_segments.segment, 'inactive') as segment,

        -- measures
        scored.recency_days,
        scored.n_orders,
        scored.monetary_amount,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score
    from scored
    left join rfm_segments
        on
            scored.recency_score = rfm_segments.recency_score
            and scored.frequency_score = rfm_segments.frequency_score
)

select * from final
