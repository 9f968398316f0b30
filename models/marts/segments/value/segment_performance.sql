-- Of a month counts who was in a segment at its start, so that a segment isn't said to
-- perform well because buying is what brings customers into it.
with

customer_segment_months as {{ not_materialized() }} (
    select * from {{ ref('customer_segment_months') }}
),

customer_facts as {{ not_materialized() }} (
    select * from {{ ref('customer_facts') }}
),

customer_facts_by_date as {{ not_materialized() }} (
    select * from {{ ref('customer_facts_by_date') }}
),

customer_months as {{ not_materialized() }} (
    select * from {{ ref('customer_months') }}
),

personalised_customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

month_ends as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_month_end
),

cluster_assignments as (
    select * from {{ ref('stg_python__customer_clusters') }}
),

-- Months with a month-end before them; nobody is known before the first.
months as (
    select month_ends.activity_month as performance_month
    from month_ends
    inner join month_ends as month_starts
        on month_ends.activity_month = month_starts.as_of_date
),

-- Most members do nothing in a month, so sizes are counted apart from activity.
sizes_by_sql as (
    select
        months.performance_month,
        customer_segment_months.segment_set,
        customer_segment_months.segment,
        count(*) as n_customers
    from customer_segment_months
    inner join months
        on customer_segment_months.as_of_date = months.performance_month
    group by
        months.performance_month,
        customer_segment_months.segment_set,
        customer_segment_months.segment
),

activity_by_sql as (
    select
        customer_months.activity_month as performance_month,
        customer_segment_months.segment_set,
        customer_segment_months.segment,
        {{ segment_performance_sums() }}
    from customer_segment_months
    inner join customer_months
        on
            customer_segment_months.as_of_date = customer_months.activity_month
            and customer_segment_months.customer_id = customer_months.customer_id
    group by
        customer_months.activity_month,
        customer_segment_months.segment_set,
        customer_segment_months.segment
),

-- A customer is known at a month's start who was active before it.
known_sizes as (
    select
        months.performance_month,
        count(*) as n_known
    from customer_facts_by_date
    inner join months
        on customer_facts_by_date.as_of_date = months.performance_month
    group by months.performance_month
),

cluster_members as {{ not_materialized() }} (
    select
        cluster_assignments.as_of_date as performance_month,
        cluster_assignments.customer_id,
        'cluster_' || cast(
            cluster_assignments.cluster_number as {{ dbt.type_string() }}
        ) as segment
    from cluster_assignments
    inner join personalised_customers
        on cluster_assignments.customer_id = personalised_customers.customer_id
    inner join customer_facts
        on
            cluster_assignments.customer_id = customer_facts.customer_id
            and cluster_assignments.as_of_date > customer_facts.first_active_date
),

sizes_of_clusters as (
    select
        performance_month,
        segment,
        count(*) as n_customers
    from cluster_members
    group by performance_month, segment
),

clustered as (
    select
        performance_month,
        sum(n_customers) as n_clustered
    from sizes_of_clusters
    group by performance_month
),

-- Nobody was assigned at a month-end without a run: such a month has no set `cluster`.
cluster_sizes as (
    select
        months.performance_month,
        sizes_of_clusters.segment,
        sizes_of_clusters.n_customers
    from sizes_of_clusters
    inner join months
        on sizes_of_clusters.performance_month = months.performance_month
    union all
    select
        known_sizes.performance_month,
        'none' as segment,
        known_sizes.n_known - clustered.n_clustered as n_customers
    from known_sizes
    inner join clustered
        on known_sizes.performance_month = clustered.performance_month
    where known_sizes.n_known > clustered.n_clustered
),

cluster_activity as (
    select
        customer_months.activity_month as performance_month,
        coalesce(cluster_members.segment, 'none') as segment,
        {{ segment_performance_sums() }}
    from customer_months
    inner join clustered
        on customer_months.activity_month = clustered.performance_month
    inner join customer_facts
        on
            customer_months.customer_id = customer_facts.customer_id
            and customer_months.activity_month > customer_facts.first_active_date
    left join cluster_members
        on
            customer_months.activity_month = cluster_members.performance_month
            and customer_months.customer_id = cluster_members.customer_id
    group by
        customer_months.activity_month, coalesce(cluster_members.segment, 'none')
),

sizes as (
    select
        performance_month,
        segment_set,
        segment,
        n_customers
    from sizes_by_sql
    union all
    select
        performance_month,
        'cluster' as segment_set,
        segment,
        n_customers
    from cluster_sizes
),

member_activity as (
    select
        performance_month,
        segment_set,
        segment,
        n_visitors,
        n_converted_visitors,
        n_purchasers,
        n_repeat_purchasers,
        n_orders,
        purchase_amount,
        net_amount
    from activity_by_sql
    union all
    select
        performance_month,
        'cluster' as segment_set,
        segment,
        n_visitors,
        n_converted_visitors,
        n_purchasers,
        n_repeat_purchasers,
        n_orders,
        purchase_amount,
        net_amount
    from cluster_activity
),

newcomer_activity as (
    select
        months.performance_month,
        count(*) as n_customers,
        {{ segment_performance_sums() }}
    from customer_months
    inner join months
        on customer_months.activity_month = months.performance_month
    inner join customer_facts
        on
            customer_months.customer_id = customer_facts.customer_id
            and customer_months.activity_month <= customer_facts.first_active_date
    group by months.performance_month
),

sets as (
    select
        performance_month,
        segment_set
    from sizes
    group by performance_month, segment_set
),

counted as (
    select
        sizes.performance_month,
        sizes.segment_set,
        sizes.segment,
        sizes.n_customers,
        coalesce(member_activity.n_visitors, 0) as n_visitors,
        coalesce(member_activity.n_converted_visitors, 0) as n_converted_visitors,
        coalesce(member_activity.n_purchasers, 0) as n_purchasers,
        coalesce(member_activity.n_repeat_purchasers, 0) as n_repeat_purchasers,
        coalesce(member_activity.n_orders, 0) as n_orders,
        coalesce(member_activity.purchase_amount, 0) as purchase_amount,
        coalesce(member_activity.net_amount, 0) as net_amount,
        true as is_known_at_start
    from sizes
    left join member_activity
        on
            sizes.performance_month = member_activity.performance_month
            and sizes.segment_set = member_activity.segment_set
            and sizes.segment = member_activity.segment
    union all
    select
        sets.performance_month,
        sets.segment_set,
        'newcomers' as segment,
        newcomer_activity.n_customers,
        newcomer_activity.n_visitors,
        newcomer_activity.n_converted_visitors,
        newcomer_activity.n_purchasers,
        newcomer_activity.n_repeat_purchasers,
        newcomer_activity.n_orders,
        newcomer_activity.purchase_amount,
        newcomer_activity.net_amount,
        false as is_known_at_start
    from sets
    inner join newcomer_activity
        on sets.performance_month = newcomer_activity.performance_month
),

rated as (
    select
        *,
        cast(n_converted_visitors as {{ type_double() }}) / nullif(n_visitors, 0)
            as conversion_rate,
        cast(n_purchasers as {{ type_double() }}) / n_customers as purchase_rate,
        cast(n_repeat_purchasers as {{ type_double() }}) / nullif(n_purchasers, 0)
            as repeat_rate,
        cast(net_amount as {{ type_double() }}) / n_customers
            as net_amount_per_customer
    from counted
),

-- Newcomers are known for being active, so they are in no comparison.
all_known as (
    select
        performance_month,
        segment_set,
        cast(sum(n_converted_visitors) as {{ type_double() }})
        / nullif(sum(n_visitors), 0) as conversion_rate,
        cast(sum(n_purchasers) as {{ type_double() }}) / sum(n_customers)
            as purchase_rate,
        cast(sum(n_repeat_purchasers) as {{ type_double() }})
        / nullif(sum(n_purchasers), 0) as repeat_rate
    from counted
    where is_known_at_start
    group by performance_month, segment_set
),

final as (
    select
        -- keys
        {{ hash_key([
            'rated.performance_month', 'rated.segment_set', 'rated.segment'
        ]) }} as performance_key,
        rated.performance_month,

        -- attributes
        rated.segment_set,
        rated.segment,

        -- measures
        cast(rated.n_customers as bigint) as n_customers,
        cast(rated.n_visitors as bigint) as n_visitors,
        cast(rated.n_converted_visitors as bigint) as n_converted_visitors,
        cast(rated.n_purchasers as bigint) as n_purchasers,
        cast(rated.n_repeat_purchasers as bigint) as n_repeat_purchasers,
        cast(rated.n_orders as bigint) as n_orders,
        cast(rated.purchase_amount as {{ type_amount() }}) as purchase_amount,
        cast(rated.net_amount as {{ type_amount() }}) as net_amount,
        cast(
            rated.purchase_amount / nullif(rated.n_orders, 0) as {{ type_amount() }}
        ) as average_order_amount,
        cast(rated.net_amount_per_customer as {{ type_amount() }})
            as net_amount_per_customer,
        rated.conversion_rate,
        rated.purchase_rate,
        rated.repeat_rate,
        case
            when rated.is_known_at_start
                then rated.conversion_rate / nullif(all_known.conversion_rate, 0)
        end as conversion_lift,
        case
            when rated.is_known_at_start
                then rated.purchase_rate / nullif(all_known.purchase_rate, 0)
        end as purchase_lift,
        case
            when rated.is_known_at_start
                then rated.repeat_rate / nullif(all_known.repeat_rate, 0)
        end as repeat_lift,

        -- flags
        rated.is_known_at_start
    from rated
    inner join all_known
        on
            rated.performance_month = all_known.performance_month
            and rated.segment_set = all_known.segment_set
)

select * from final
