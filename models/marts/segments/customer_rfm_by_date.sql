with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
    where n_orders > 0
),

rfm_segments as (
    select * from {{ ref('rfm_segments') }}
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
        customer_date_key,
        {{ rfm_score('recency_days', 'as_of_date') }} as recency_score,
        {{ rfm_score('n_orders', 'as_of_date') }} as frequency_score,
        {{ rfm_score('monetary_amount', 'as_of_date') }} as monetary_score
    from measured
    where n_orders > 0
),

final as (
    select
        -- keys
        measured.customer_date_key,
        measured.as_of_date,
        measured.customer_id,

        -- attributes
        coalesce(rfm_segments.segment, 'inactive') as segment,

        -- measures
        measured.recency_days,
        measured.n_orders,
        measured.monetary_amount,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score
    from measured
    left join scored
        on measured.customer_date_key = scored.customer_date_key
    left join rfm_segments
        on
            scored.recency_score = rfm_segments.recency_score
            and scored.frequency_score = rfm_segments.frequency_score
)

select * from final
