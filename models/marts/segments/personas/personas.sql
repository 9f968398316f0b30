with

persona_names as (
    select * from {{ ref('persona_names') }}
),

persona_purchases as (
    select * from {{ ref('persona_purchases') }}
    where rank_number = 1
),

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

customer_facts as (
    select * from {{ ref('customer_facts') }}
),

classifiers as (
    select * from {{ ref('stg_python__persona_classifiers') }}
    where as_of_date <= {{ as_of_date() }}
),

recognitions as (
    select * from {{ ref('stg_python__persona_recognitions') }}
),

-- A member counts even where late records took the customer out of the facts since
-- Python assigned.
aggregated as (
    select
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        count(*) as n_customers,
        sum(coalesce(customer_facts.n_orders_window, 0)) as n_orders,
        sum(coalesce(customer_facts.net_amount_window, 0)) as net_amount,
        sum(coalesce(customer_facts.purchase_amount_window, 0)) as purchase_amount
    from customer_clusters
    left join customer_facts
        on customer_clusters.customer_id = customer_facts.customer_id
    group by customer_clusters.model_id, customer_clusters.cluster_number
),

shared as (
    select
        *,
        sum(n_customers) over (partition by model_id) as n_customers_all,
        sum(net_amount) over (partition by model_id) as net_amount_all
    from aggregated
),

newest_classifiers as (
    select
        classifiers.model_id,
        max(classifiers.as_of_date) as as_of_date
    from classifiers
    group by classifiers.model_id
),

recognised as (
    select
        classifiers.model_id,
        classifiers.accuracy_rate as classifier_accuracy_rate,
        recognitions.cluster_number,
        recognitions.recall_rate,
        recognitions.is_distinguishable,
        recognitions.reason as distinguishable_reason
    from classifiers
    inner join newest_classifiers
        on
            classifiers.model_id = newest_classifiers.model_id
            and classifiers.as_of_date = newest_classifiers.as_of_date
    inner join recognitions
        on
            classifiers.model_id = recognitions.model_id
            and classifiers.as_of_date = recognitions.as_of_date
),

favourites as (
    select
        model_id,
        cluster_number,
        max(case when dimension_type = 'category' then value_name end)
            as top_category_name,
        max(case when dimension_type = 'category' then share_rate end)
            as top_category_share_rate,
        max(case
            when dimension_type = 'hour'
                then {{ dbt.safe_cast('value_name', 'bigint') }}
        end) as peak_hour,
        max(case when dimension_type = 'weekday' then value_name end)
            as peak_weekday_name
    from persona_purchases
    group by model_id, cluster_number
),

final as (
    select
        -- keys
        persona_names.persona_key,
        persona_names.model_id,
        persona_names.as_of_date,

        -- attributes
        persona_names.cluster_number,
        persona_names.segment,
        persona_names.persona_name,
        persona_names.name_rule,
        persona_names.working_name,
        persona_names.suggested_action,
        favourites.top_category_name,
        favourites.peak_weekday_name,
        favourites.peak_hour,
        coalesce(recognised.distinguishable_reason, 'no forest was asked yet')
            as distinguishable_reason,

        -- measures
        cast(shared.n_customers as bigint) as n_customers,
        {{ safe_divide('shared.n_customers', 'shared.n_customers_all') }}
            as customer_share_rate,
        cast(shared.n_orders as bigint) as n_orders,
        cast(shared.net_amount as {{ type_amount() }}) as net_amount,
        {{ safe_divide('shared.net_amount', 'shared.net_amount_all') }}
            as net_amount_share_rate,
        cast(
            {{ safe_divide('shared.purchase_amount', 'shared.n_orders') }}
            as {{ type_amount() }}
        ) as average_order_amount,
        favourites.top_category_share_rate,
        recognised.classifier_accuracy_rate,
        recognised.recall_rate,

        -- flags
        coalesce(recognised.is_distinguishable, false) as is_distinguishable
    from persona_names
    inner join shared
        on
            persona_names.model_id = shared.model_id
            and persona_names.cluster_number = shared.cluster_number
    left join favourites
        on
            persona_names.model_id = favourites.model_id
            and persona_names.cluster_number = favourites.cluster_number
    left join recognised
        on
            persona_names.model_id = recognised.model_id
            and persona_names.cluster_number = recognised.cluster_number
)

select * from final
