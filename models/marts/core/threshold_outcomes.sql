{{ config(materialized='view') }}

-- Only the tuner reads this, once a month, so it is a view: no run pays for it but that
-- one. Customers are counted, never listed.
{% set outcome_end = dbt.dateadd(
    'day', var('tuning_outcome_days'), 'as_of_date'
) -%}
with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

customer_days as (
    select * from {{ ref('int_customer_days') }}
),

thresholds as (
    select * from {{ ref('dim_thresholds') }}
),

-- What came after is only known once all its days have passed.
month_ends as (
    select
        as_of_date,
        cast({{ outcome_end }} as date) as outcome_end_date
    from {{ ref('dim_as_of_dates') }}
    where is_month_end and {{ outcome_end }} <= {{ as_of_date() }}
),

outcomes as (
    select
        month_ends.as_of_date,
        customer_days.customer_id,
        max(case when customer_days.n_orders > 0 then 1 else 0 end) as purchase,
        max(
            case
                when customer_days.n_orders > 0 and customer_days.discount_amount > 0
                    then 1
                else 0
            end
        ) as discounted_purchase,
        max(case when customer_days.refund_amount > 0 then 1 else 0 end) as refund,
        sum(
            customer_days.gross_amount
            - customer_days.discount_amount
            - customer_days.refund_amount
        ) as net_amount
    from month_ends
    inner join customer_days
        on
            month_ends.as_of_date <= customer_days.activity_date
            and month_ends.outcome_end_date > customer_days.activity_date
    group by month_ends.as_of_date, customer_days.customer_id
),

-- A customer's id is a hash already: its last two digits are as good as drawn by lot.
measured as (
    select
        customer_facts.as_of_date,
        right(customer_facts.customer_id, 2) as customer_group_code,
        {%- for name, measure, value, condition in tunable_measures() %}
        case when {{ condition }} then {{ value }} end as measure_{{ loop.index }},
        {%- endfor %}
        coalesce(outcomes.purchase, 0) as purchase,
        coalesce(outcomes.discounted_purchase, 0) as discounted_purchase,
        coalesce(outcomes.refund, 0) as refund,
        coalesce(outcomes.net_amount, 0) as net_amount
    from customer_facts
    inner join month_ends
        on customer_facts.as_of_date = month_ends.as_of_date
    left join outcomes
        on
            customer_facts.as_of_date = outcomes.as_of_date
            and customer_facts.customer_id = outcomes.customer_id
),

unpivoted as (
    select
        measured.as_of_date,
        measured.customer_group_code,
        measured.net_amount,
        thresholds.threshold_name,
        thresholds.direction,
        thresholds.threshold_value,
        thresholds.step_value,
        case thresholds.threshold_name
            {%- for name, measure, value, condition in tunable_measures() %}
            when '{{ name }}' then measured.measure_{{ loop.index }}
            {%- endfor %}
        end as measure,
        case thresholds.outcome_name
            when 'purchase' then measured.purchase
            when 'discounted_purchase' then measured.discounted_purchase
            when 'refund' then measured.refund
        end as is_reached
    from measured
    cross join thresholds
),

-- In whole steps, rounded away from the segment: a threshold of whole steps puts a
-- customer and the customer's step on the same side. The last digit of a quotient
-- decides nothing.
stepped as (
    select
        *,
        case direction
            when 'at_least' then floor(round(measure / step_value, 6))
            else ceiling(round(measure / step_value, 6))
        end as measure_steps,
        case direction
            when 'at_least' then measure >= threshold_value
            else measure <= threshold_value
        end as is_member
    from unpivoted
    where measure is not null
),

aggregated as (
    select
        threshold_name,
        as_of_date,
        customer_group_code,
        measure_steps,
        is_member,
        count(*) as n_customers,
        sum(is_reached) as n_reached_customers,
        sum(net_amount) as net_amount
    from stepped
    group by
        threshold_name,
        as_of_date,
        customer_group_code,
        measure_steps,
        is_member
),

final as (
    select
        -- keys
        threshold_name,
        as_of_date,
        customer_group_code,
        cast(measure_steps as bigint) as measure_steps,

        -- measures
        cast(n_customers as bigint) as n_customers,
        cast(n_reached_customers as bigint) as n_reached_customers,
        cast(net_amount as {{ type_amount() }}) as net_amount,

        -- flags
        is_member
    from aggregated
)

select * from final
