{{ config(materialized='view') }}

with

customer_rfm_by_date as (
    select * from {{ ref('customer_rfm_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

final as (
    select
        -- keys
        customer_id,
        as_of_date,

        -- attributes
        segment,

        -- measures
        recency_days,
        n_orders,
        monetary_amount,
        recency_score,
        frequency_score,
        monetary_score
    from customer_rfm_by_date
)

select * from final
