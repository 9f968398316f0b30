{#- What `customer_fact_sums` says, of many as-of dates: it would look at each day again for
    every later date. Here sums of all days and of the window of RFM are added up where a
    day comes in sight or leaves that window, and stand until that happens again. Only the
    counts of shorter windows are made of their days, at each date. -#}
{% macro customer_fact_sums_by_date(customer_days, as_of_dates) -%}
    {%- set amounts = [
        'purchased_quantity', 'gross_amount', 'discount_amount', 'refund_amount',
    ] -%}
    {%- set window_amounts = amounts + ['purchase_amount'] -%}
    {%- set window_counts = customer_fact_counts() | rejectattr(2) | list -%}
    {%- set short_counts = customer_fact_counts() | selectattr(2) | list -%}
    {%- set longest = short_counts | map(attribute=2) | max -%}
    {%- set so_far = 'over (partition by customer_id order by as_of_date'
        ~ ' rows between unbounded preceding and current row)' -%}
    with

    spans as (
        select
            as_of_date,
            window_start_date,
            coalesce(
                lag(as_of_date) over (order by as_of_date), cast('0001-01-01' as date)
            ) as last_as_of_date,
            coalesce(
                lag(window_start_date) over (order by as_of_date),
                cast('0001-01-01' as date)
            ) as last_window_start_date
        from {{ as_of_dates }}
    ),

    moving_days as (
        select
            customer_days.*,
            spans.as_of_date,
            true as is_coming
        from spans
        inner join {{ customer_days }} as customer_days
            on
                spans.as_of_date > customer_days.activity_date
                and spans.last_as_of_date <= customer_days.activity_date
        union all
        select
            customer_days.*,
            spans.as_of_date,
            false as is_coming
        from spans
        inner join {{ customer_days }} as customer_days
            on
                spans.window_start_date > customer_days.activity_date
                and spans.last_window_start_date <= customer_days.activity_date
    ),

    steps as (
        select
            customer_id,
            as_of_date,
            count(case when is_coming then purchase_date end) as n_purchase_days,
            {%- for measure in ['n_orders'] + amounts %}
            sum(case when is_coming then {{ measure }} else 0 end) as {{ measure }},
            {%- endfor %}
            {%- for count, measure, _ in window_counts %}
            sum(case when is_coming then {{ measure }} else -{{ measure }} end)
                as {{ count }},
            {%- endfor %}
            {%- for amount in window_amounts %}
            sum(case when is_coming then {{ amount }} else -{{ amount }} end)
                as {{ amount }}_window,
            {%- endfor %}
            min(activity_date) as first_active_date,
            max(activity_date) as last_active_date,
            min(purchase_date) as first_purchase_date,
            max(previous_purchase_date) as previous_purchase_date,
            max(purchase_date) as last_purchase_date
        from moving_days
        group by customer_id, as_of_date
    ),

    standing_sums as (
        select
            customer_id,
            as_of_date as since_date,
            coalesce(
                lead(as_of_date) over (partition by customer_id order by as_of_date),
                cast('9999-12-31' as date)
            ) as until_date,
            cast(sum(n_purchase_days) {{ so_far }} as {{ dbt.type_int() }})
                as n_purchase_days,
            cast(sum(n_orders) {{ so_far }} as {{ dbt.type_int() }}) as n_orders,
            {%- for amount in amounts %}
            cast(sum({{ amount }}) {{ so_far }} as {{ type_amount() }}) as {{ amount }},
            {%- endfor %}
            {%- for count, _, _ in window_counts %}
            cast(sum({{ count }}) {{ so_far }} as {{ dbt.type_int() }}) as {{ count }},
            {%- endfor %}
            {%- for amount in window_amounts %}
            cast(sum({{ amount }}_window) {{ so_far }} as {{ type_amount() }})
                as {{ amount }}_window,
            {%- endfor %}
            min(first_active_date) {{ so_far }} as first_active_date,
            max(last_active_date) {{ so_far }} as last_active_date,
            min(first_purchase_date) {{ so_far }} as first_purchase_date,
            max(previous_purchase_date) {{ so_far }} as previous_purchase_date,
            max(last_purchase_date) {{ so_far }} as last_purchase_date
        from steps
    ),

    recent_days as (
        select
            customer_days.*,
            spans.as_of_date,
            {{ dbt.datediff(
                'customer_days.activity_date', 'spans.as_of_date', 'day'
            ) }} as days_before
        from spans
        inner join {{ customer_days }} as customer_days
            on
                spans.as_of_date > customer_days.activity_date
                and {{ dbt.dateadd('day', -longest, 'spans.as_of_date') }}
                <= customer_days.activity_date
    ),

    recent_counts as (
        select
            customer_id,
            as_of_date,
            {%- for count, measure, days in short_counts %}
            cast(
                sum(case when days_before <= {{ days }} then {{ measure }} else 0 end)
                as {{ dbt.type_int() }}
            ) as {{ count }}{{ ',' if not loop.last }}
            {%- endfor %}
        from recent_days
        group by customer_id, as_of_date
    ),

    -- Pairs that are equal on one side cost a join less than a range.
    later_dates as (
        select
            spans.as_of_date as since_date,
            later_spans.as_of_date,
            later_spans.window_start_date
        from spans
        inner join spans as later_spans
            on spans.as_of_date <= later_spans.as_of_date
    )

    select
        later_dates.as_of_date,
        later_dates.window_start_date,
        standing_sums.*,
        {%- for count, _, _ in short_counts %}
        coalesce(recent_counts.{{ count }}, 0) as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from standing_sums
    inner join later_dates
        on
            standing_sums.since_date = later_dates.since_date
            and standing_sums.until_date > later_dates.as_of_date
    left join recent_counts
        on
            standing_sums.customer_id = recent_counts.customer_id
            and later_dates.as_of_date = recent_counts.as_of_date
{%- endmacro %}
