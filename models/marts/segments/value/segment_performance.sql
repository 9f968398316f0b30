-- Of a month counts who was in a segment at its start, so that a segment isn't said to
-- perform well because buying is what brings customers into it.
with

month_ends as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_month_end
),

-- Months with a month-end before them; nobody is known before the first.
months as (
    select month_ends.activity_month as performance_month
    from month_ends
    inner join month_ends as month_starts
        on month_ends.activity_month = month_starts.as_of_date
),

customer_facts as {{ not_materialized() }} (
    select * from {{ ref('customer_facts') }}
),

customer_facts_by_date as (
    select * from {{ ref('customer_facts_by_date') }}
),

customer_months as {{ not_materialized() }} (
    select * from {{ ref('customer_months') }}
    where activity_month in (select months.performance_month from months)
),

personalised_customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

-- Most customers never purchased and meet no rule. Only the others are looked up among
-- those who did something in a month; whoever is left of everybody is in `none` or, of
-- the lifecycle, a prospect.
rfm_members as (
    select * from {{ ref('customer_rfm_by_date') }}
    where as_of_date in (select months.performance_month from months)
),

lifecycle_members as (
    select * from {{ ref('customer_lifecycle_by_date') }}
    where
        as_of_date in (select months.performance_month from months)
        and segment <> 'prospect'
),

rule_members as (
    select * from {{ ref('customer_rule_segments_by_date') }}
    where
        as_of_date in (select months.performance_month from months)
        and (
            false
            {%- for rule in rule_segments() %}
            or is_{{ rule }}
            {%- endfor %}
        )
),

cluster_assignments as (
    select * from {{ ref('stg_python__customer_clusters') }}
    where as_of_date in (select months.performance_month from months)
),

-- A customer is known at a month's start who was active before it.
cluster_members as (
    select
        cluster_assignments.as_of_date,
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

exclusive_members as (
    select
        as_of_date,
        customer_id,
        'rfm' as segment_set,
        segment
    from rfm_members
    union all
    select
        as_of_date,
        customer_id,
        'lifecycle' as segment_set,
        segment
    from lifecycle_members
    union all
    select
        as_of_date,
        customer_id,
        'cluster' as segment_set,
        segment
    from cluster_members
),

exclusive_counts as (
    select
        exclusive_members.as_of_date as performance_month,
        exclusive_members.segment_set,
        exclusive_members.segment,
        count(*) as n_customers,
        {{ segment_performance_sums() }}
    from exclusive_members
    left join customer_months
        on
            exclusive_members.as_of_date = customer_months.activity_month
            and exclusive_members.customer_id = customer_months.customer_id
    group by
        exclusive_members.as_of_date,
        exclusive_members.segment_set,
        exclusive_members.segment
),

-- Few of all combinations of rules occur, so customers are counted by those first.
combination_counts as (
    select
        rule_members.as_of_date as performance_month,
        {%- for rule in rule_segments() %}
        rule_members.is_{{ rule }},
        {%- endfor %}
        count(*) as n_customers,
        {{ segment_performance_sums() }}
    from rule_members
    left join customer_months
        on
            rule_members.as_of_date = customer_months.activity_month
            and rule_members.customer_id = customer_months.customer_id
    group by
        {%- for rule in rule_segments() %}
        rule_members.is_{{ rule }},
        {%- endfor %}
        rule_members.as_of_date
),

combinations_by_rule as (
    {{ unpivot_rule_segments(
        'combination_counts',
        columns=['performance_month'],
        measures=[
            'n_customers',
            'n_visitors',
            'n_converted_visitors',
            'n_purchasers',
            'n_repeat_purchasers',
            'n_orders',
            'purchase_amount',
            'net_amount',
        ]
    ) }}
),

rule_counts as (
    select
        performance_month,
        segment_set,
        segment,
        sum(n_customers) as n_customers,
        sum(n_visitors) as n_visitors,
        sum(n_converted_visitors) as n_converted_visitors,
        sum(n_purchasers) as n_purchasers,
        sum(n_repeat_purchasers) as n_repeat_purchasers,
        sum(n_orders) as n_orders,
        sum(purchase_amount) as purchase_amount,
        sum(net_amount) as net_amount
    from combinations_by_rule
    where segment <> 'none'
    group by performance_month, segment_set, segment
),

member_counts as (
    select * from exclusive_counts
    union all
    select * from rule_counts
),

set_totals as (
    select
        performance_month,
        segment_set,
        sum(n_customers) as n_customers,
        sum(n_visitors) as n_visitors,
        sum(n_converted_visitors) as n_converted_visitors,
        sum(n_purchasers) as n_purchasers,
        sum(n_repeat_purchasers) as n_repeat_purchasers,
        sum(n_orders) as n_orders,
        sum(purchase_amount) as purchase_amount,
        sum(net_amount) as net_amount
    from member_counts
    group by performance_month, segment_set
),

known_sizes as (
    select
        as_of_date as performance_month,
        count(*) as n_customers
    from customer_facts_by_date
    where as_of_date in (select months.performance_month from months)
    group by as_of_date
),

activity as (
    select
        customer_months.activity_month as performance_month,
        customer_months.activity_month > customer_facts.first_active_date
            as is_known_at_start,
        count(*) as n_customers,
        {{ segment_performance_sums() }}
    from customer_months
    inner join customer_facts
        on customer_months.customer_id = customer_facts.customer_id
    group by
        customer_months.activity_month,
        customer_months.activity_month > customer_facts.first_active_date
),

everyone as (
    select
        known_sizes.performance_month,
        known_sizes.n_customers,
        coalesce(activity.n_visitors, 0) as n_visitors,
        coalesce(activity.n_converted_visitors, 0) as n_converted_visitors,
        coalesce(activity.n_purchasers, 0) as n_purchasers,
        coalesce(activity.n_repeat_purchasers, 0) as n_repeat_purchasers,
        coalesce(activity.n_orders, 0) as n_orders,
        coalesce(activity.purchase_amount, 0) as purchase_amount,
        coalesce(activity.net_amount, 0) as net_amount
    from known_sizes
    left join activity
        on
            known_sizes.performance_month = activity.performance_month
            and activity.is_known_at_start
),

set_names as (
    {{ segment_sets(['rfm', 'lifecycle'] + rule_segments()) }}
),

-- Nobody was assigned a cluster at a month-end without a run: such a month has no set
-- `cluster`.
sets as (
    select
        everyone.performance_month,
        set_names.segment_set
    from everyone
    cross join set_names
    union all
    select
        performance_month,
        segment_set
    from set_totals
    where segment_set = 'cluster'
),

others as (
    select
        sets.performance_month,
        sets.segment_set,
        case sets.segment_set when 'lifecycle' then 'prospect' else 'none' end
            as segment,
        everyone.n_customers - coalesce(set_totals.n_customers, 0)
            as n_customers,
        everyone.n_visitors - coalesce(set_totals.n_visitors, 0)
            as n_visitors,
        everyone.n_converted_visitors - coalesce(set_totals.n_converted_visitors, 0)
            as n_converted_visitors,
        everyone.n_purchasers - coalesce(set_totals.n_purchasers, 0)
            as n_purchasers,
        everyone.n_repeat_purchasers - coalesce(set_totals.n_repeat_purchasers, 0)
            as n_repeat_purchasers,
        everyone.n_orders - coalesce(set_totals.n_orders, 0)
            as n_orders,
        everyone.purchase_amount - coalesce(set_totals.purchase_amount, 0)
            as purchase_amount,
        everyone.net_amount - coalesce(set_totals.net_amount, 0)
            as net_amount
    from sets
    inner join everyone
        on sets.performance_month = everyone.performance_month
    left join set_totals
        on
            sets.performance_month = set_totals.performance_month
            and sets.segment_set = set_totals.segment_set
    where everyone.n_customers > coalesce(set_totals.n_customers, 0)
),

known_counts as (
    select * from member_counts
    union all
    select * from others
),

counted as (
    select
        performance_month,
        segment_set,
        segment,
        coalesce(n_customers, 0) as n_customers,
        coalesce(n_visitors, 0) as n_visitors,
        coalesce(n_converted_visitors, 0) as n_converted_visitors,
        coalesce(n_purchasers, 0) as n_purchasers,
        coalesce(n_repeat_purchasers, 0) as n_repeat_purchasers,
        coalesce(n_orders, 0) as n_orders,
        coalesce(purchase_amount, 0) as purchase_amount,
        coalesce(net_amount, 0) as net_amount,
        true as is_known_at_start
    from known_counts
    union all
    select
        sets.performance_month,
        sets.segment_set,
        'newcomers' as segment,
        activity.n_customers,
        activity.n_visitors,
        activity.n_converted_visitors,
        activity.n_purchasers,
        activity.n_repeat_purchasers,
        activity.n_orders,
        activity.purchase_amount,
        activity.net_amount,
        false as is_known_at_start
    from sets
    inner join activity
        on
            sets.performance_month = activity.performance_month
            and not activity.is_known_at_start
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
