with

-- Whoever was found to be another customer is counted as that one.
segment_memberships as (
    select * from {{ ref('segment_memberships') }}
    where segment <> 'merged'
),

customer_facts as (
    select * from {{ ref('customer_facts') }}
),

aggregated as (
    select
        segment_memberships.as_of_date,
        segment_memberships.segment_set,
        segment_memberships.segment,
        count(*) as n_customers,
        sum(case when customer_facts.n_orders > 0 then 1 else 0 end) as n_purchasers,
        sum(coalesce(customer_facts.n_orders_window, 0)) as n_orders,
        sum(coalesce(customer_facts.purchase_amount_window, 0)) as purchase_amount,
        sum(coalesce(customer_facts.net_amount_window, 0)) as net_amount,
        sum(coalesce(customer_facts.refund_amount_window, 0)) as refund_amount,
        {{ median('customer_facts.recency_days') }} as median_recency_days
    from segment_memberships
    left join customer_facts
        on segment_memberships.customer_id = customer_facts.customer_id
    group by
        segment_memberships.as_of_date,
        segment_memberships.segment_set,
        segment_memberships.segment
),

shared as (
    select
        *,
        sum(n_customers) over (partition by segment_set) as n_customers_all,
        sum(net_amount) over (partition by segment_set) as net_amount_all
    from aggregated
),

final as (
    select
        -- keys
        {{ hash_key(['segment_set', 'segment']) }} as segment_key,
        as_of_date,

        -- attributes
        segment_set,
        segment,

        -- measures
        cast(n_customers as bigint) as n_customers,
        {{ safe_divide('n_customers', 'n_customers_all') }} as customer_share_rate,
        cast(n_purchasers as bigint) as n_purchasers,
        cast(n_orders as bigint) as n_orders,
        cast(net_amount as {{ type_amount() }}) as net_amount,
        {{ safe_divide('net_amount', 'net_amount_all') }} as net_amount_share_rate,
        cast(refund_amount as {{ type_amount() }}) as refund_amount,
        cast({{ safe_divide('purchase_amount', 'n_orders') }} as {{ type_amount() }})
            as average_order_amount,
        cast(median_recency_days as {{ type_double() }}) as median_recency_days
    from shared
)

select * from final
