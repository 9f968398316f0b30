with

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

customer_features as (
    select * from {{ ref('customer_features') }}
),

cluster_sizes as (
    select
        model_id,
        cluster_number,
        count(*) as n_customers
    from customer_clusters
    group by model_id, cluster_number
),

-- Of a small cluster everybody could be guessed.
members as (
    select
        customer_clusters.customer_id,
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        customer_clusters.centroid_distance
    from customer_clusters
    inner join cluster_sizes
        on
            customer_clusters.model_id = cluster_sizes.model_id
            and customer_clusters.cluster_number = cluster_sizes.cluster_number
    where cluster_sizes.n_customers >= {{ var('persona_example_min_customers') }}
),

-- Numbered before the features, which are wide, are brought along.
numbered as (
    select
        members.customer_id,
        members.model_id,
        members.cluster_number,
        row_number() over (
            partition by members.model_id, members.cluster_number
            order by members.centroid_distance, members.customer_id
        ) as example_number
    from members
    inner join customer_features
        on members.customer_id = customer_features.customer_id
),

nearest as (
    select
        customer_id,
        model_id,
        cluster_number,
        example_number
    from numbered
    where example_number <= {{ var('persona_n_examples') }}
),

examples as (
    select
        nearest.model_id,
        nearest.cluster_number,
        nearest.example_number,
        customer_features.*
    from nearest
    inner join customer_features
        on nearest.customer_id = customer_features.customer_id
),

final as (
    select
        -- keys
        {{ hash_key(['model_id', 'cluster_number', 'example_number']) }}
            as persona_example_key,
        {{ hash_key(['model_id', 'cluster_number']) }} as persona_key,
        model_id,
        as_of_date,

        -- attributes
        cluster_number,
        cast(example_number as bigint) as example_number,

        -- measures
        cast({{ round_coarsely('recency_days') }} as bigint) as recency_days,
        cast({{ round_coarsely('n_orders') }} as bigint) as n_orders,
        cast({{ round_coarsely('monetary_amount') }} as {{ type_amount() }})
            as monetary_amount,
        cast({{ round_coarsely('average_order_amount') }} as {{ type_amount() }})
            as average_order_amount,
        cast({{ round_coarsely('units_per_order') }} as bigint) as units_per_order,
        cast({{ round_coarsely('n_categories') }} as bigint) as n_categories,
        cast(round(discount_rate, 1) as {{ type_double() }}) as discount_rate,
        cast(round(refund_rate, 1) as {{ type_double() }}) as refund_rate,
        cast(round(mobile_order_rate, 1) as {{ type_double() }}) as mobile_order_rate,
        cast({{ round_coarsely('n_sessions') }} as bigint) as n_sessions,
        cast({{ round_coarsely('n_product_views') }} as bigint) as n_product_views,
        cast({{ round_coarsely('tenure_days') }} as bigint) as tenure_days
    from examples
)

select * from final
