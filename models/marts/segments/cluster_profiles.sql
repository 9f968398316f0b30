with

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

customer_features as (
    select * from {{ ref('customer_features') }}
),

clusters as (
    select * from {{ ref('stg_python__clusters') }}
),

-- A member counts even where late records took the customer out of the features since
-- Python assigned.
aggregated as (
    select
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        min(customer_clusters.as_of_date) as as_of_date,
        min(customer_clusters.working_name) as working_name,
        count(*) as n_customers,
        sum(cast(
            coalesce(customer_features.monetary_amount, 0) as {{ type_amount() }}
        )) as monetary_amount,
        {{ median('customer_features.recency_days') }} as median_recency_days,
        {{ median('customer_features.n_orders') }} as median_n_orders,
        {{ median('customer_features.monetary_amount') }} as median_monetary_amount,
        {{ median('customer_features.average_order_amount') }}
            as median_average_order_amount,
        {{ median('customer_features.discount_rate') }} as median_discount_rate,
        {{ median('customer_features.refund_rate') }} as median_refund_rate,
        {{ median('customer_features.mobile_order_rate') }} as median_mobile_order_rate,
        {{ median('customer_features.n_sessions') }} as median_n_sessions,
        {{ median('customer_features.tenure_days') }} as median_tenure_days
    from customer_clusters
    left join customer_features
        on customer_clusters.customer_id = customer_features.customer_id
    group by customer_clusters.model_id, customer_clusters.cluster_number
),

shared as (
    select
        *,
        sum(n_customers) over (partition by model_id) as n_customers_all,
        sum(monetary_amount) over (partition by model_id) as monetary_amount_all
    from aggregated
),

final as (
    select
        -- keys
        {{ hash_key(['shared.model_id', 'shared.cluster_number']) }} as cluster_key,
        shared.model_id,
        shared.as_of_date,

        -- attributes
        shared.cluster_number,
        'cluster_' || cast(shared.cluster_number as {{ dbt.type_string() }}) as segment,
        shared.working_name,

        -- measures
        cast(shared.n_customers as bigint) as n_customers,
        {{ safe_divide('shared.n_customers', 'shared.n_customers_all') }}
            as customer_share_rate,
        cast(shared.monetary_amount as {{ type_amount() }}) as monetary_amount,
        {{ safe_divide('shared.monetary_amount', 'shared.monetary_amount_all') }}
            as monetary_share_rate,
        cast(shared.median_recency_days as {{ type_double() }}) as median_recency_days,
        cast(shared.median_n_orders as {{ type_double() }}) as median_n_orders,
        cast(shared.median_monetary_amount as {{ type_amount() }})
            as median_monetary_amount,
        cast(shared.median_average_order_amount as {{ type_amount() }})
            as median_average_order_amount,
        cast(shared.median_discount_rate as {{ type_double() }})
            as median_discount_rate,
        cast(shared.median_refund_rate as {{ type_double() }}) as median_refund_rate,
        cast(shared.median_mobile_order_rate as {{ type_double() }})
            as median_mobile_order_rate,
        cast(shared.median_n_sessions as {{ type_double() }}) as median_n_sessions,
        cast(shared.median_tenure_days as {{ type_double() }}) as median_tenure_days,

        -- flags
        coalesce(clusters.is_new, false) as is_new
    from shared
    left join clusters
        on
            shared.model_id = clusters.model_id
            and shared.cluster_number = clusters.cluster_number
)

select * from final
