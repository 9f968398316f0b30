{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['as_of_date', 'customer_id'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where n_orders is null or as_of_date not in (
            select as_of_date from {{ ref('int_as_of_dates') }}
        )",
    )
}}

-- A date that stands is computed again where facts are others, and for customers whose
-- categories are. A row that is no more is written once, without numbers, and deleted
-- in the same transaction, as are dates that are no more.
-- depends_on: {{ ref('int_customer_facts') }}
with

customer_days as {{ not_materialized() }} (
    select * from {{ ref('int_customer_days') }}
),

category_days as {{ not_materialized() }} (
    select * from {{ ref('int_customer_category_days') }}
),

all_customer_facts as {{ not_materialized() }} (
    select * from {{ ref('int_customer_facts_by_date') }}
),

customer_facts as {{ not_materialized() }} (
    select * from all_customer_facts
    where n_orders_window > 0
),

as_of_dates as (
    select * from {{ ref('int_as_of_dates') }}
),

newest_changes as (
    select
        (select max(change_number) from customer_days) as days_change_number,
        (select coalesce(max(change_number), 0) from category_days)
            as category_change_number
),

{% if is_incremental() -%}
standing_features as {{ not_materialized() }} (
    select * from {{ this }}
),

watermarks as (
    select
        max(days_change_number) as days_change_number,
        max(category_change_number) as category_change_number
    from standing_features
),

-- What was numbered anew, and a window of another length, leave nothing to build on.
standing_dates as (
    select
        standing_features.as_of_date,
        standing_features.window_start_date
    from standing_features
    cross join watermarks
    cross join newest_changes
    where
        watermarks.days_change_number <= newest_changes.days_change_number
        and watermarks.category_change_number <= newest_changes.category_change_number
    group by standing_features.as_of_date, standing_features.window_start_date
),

kept_dates as (
    select as_of_dates.*
    from as_of_dates
    inner join standing_dates
        on
            as_of_dates.as_of_date = standing_dates.as_of_date
            and as_of_dates.window_start_date = standing_dates.window_start_date
),

new_dates as (
    select * from as_of_dates
    where as_of_date not in (select kept_dates.as_of_date from kept_dates)
),

recategorized_customers as {{ materialized() }} (
    select customer_id from category_days
    where change_number > (select watermarks.category_change_number from watermarks)
    group by customer_id
),

changed_facts as {{ materialized() }} (
    select * from all_customer_facts
    where
        days_change_number > (select watermarks.days_change_number from watermarks)
        and as_of_date in (select kept_dates.as_of_date from kept_dates)
),

-- Who lost the first day, or every day, has no facts any more of the dates until the new
-- first day.
restarted_customers as {{ materialized() }} (
    select
        customer_id,
        coalesce(first_active_date, cast('9999-12-31' as date)) as first_active_date
    from {{ ref('int_customer_facts') }}
    where days_change_number > (select watermarks.days_change_number from watermarks)
),

recounted_customers as (
    select customer_id from changed_facts
    union distinct
    select customer_id from recategorized_customers
),

recounted_category_days as (
    select * from category_days
    where customer_id in ({{ few_values('recounted_customers', 'customer_id') }})
),

{% else -%}
new_dates as (
    select * from as_of_dates
),

{% endif -%}
facts as (
    select * from customer_facts
    where as_of_date in (select new_dates.as_of_date from new_dates)
    {% if is_incremental() -%}
        union all
        select * from changed_facts
        where n_orders_window > 0
    {%- endif %}
),

counted_categories as (
    select
        new_dates.as_of_date,
        category_days.customer_id
    from category_days
    inner join new_dates
        on
            category_days.ordered_date < new_dates.as_of_date
            and category_days.next_ordered_date >= new_dates.as_of_date
            and category_days.ordered_date >= new_dates.window_start_date
    {% if is_incremental() -%}
        union all
        select
            kept_dates.as_of_date,
            recounted_category_days.customer_id
        from recounted_category_days
        inner join kept_dates
            on
                recounted_category_days.ordered_date < kept_dates.as_of_date
                and recounted_category_days.next_ordered_date >= kept_dates.as_of_date
                and recounted_category_days.ordered_date >= kept_dates.window_start_date
    {%- endif %}
),

categories_per_customer as (
    select
        as_of_date,
        customer_id,
        count(*) as n_categories
    from counted_categories
    group by as_of_date, customer_id
),

features as {% if is_incremental() %}{{ materialized() }} {% endif %}(
    select
        facts.as_of_date,
        facts.customer_id,
        facts.window_start_date,
        cast(
            {{ dbt.datediff('facts.last_purchase_date', 'facts.as_of_date', 'day') }}
            as {{ type_double() }}
        ) as recency_days,
        cast(facts.n_orders_window as {{ type_double() }}) as n_orders,
        cast(
            facts.gross_amount_window
            - facts.discount_amount_window
            - facts.refund_amount_window
            as {{ type_double() }}
        ) as monetary_amount,
        cast(facts.purchase_amount_window as {{ type_double() }})
        / facts.n_orders_window as average_order_amount,
        cast(facts.purchased_quantity_window as {{ type_double() }})
        / facts.n_orders_window as units_per_order,
        cast(
            coalesce(categories_per_customer.n_categories, 0) as {{ type_double() }}
        ) as n_categories,
        {{ safe_divide(
            'facts.discount_amount_window', 'facts.gross_amount_window'
        ) }} as discount_rate,
        least({{ safe_divide(
            'facts.refund_amount_window',
            'facts.gross_amount_window - facts.discount_amount_window'
        ) }}, 1) as refund_rate,
        cast(facts.n_mobile_orders_window as {{ type_double() }})
        / facts.n_orders_window as mobile_order_rate,
        cast(facts.n_sessions_90d as {{ type_double() }}) as n_sessions,
        cast(facts.n_product_views_90d as {{ type_double() }}) as n_product_views,
        cast(
            {{ dbt.datediff('facts.first_active_date', 'facts.as_of_date', 'day') }}
            as {{ type_double() }}
        ) as tenure_days
    from facts
    left join categories_per_customer
        on
            facts.as_of_date = categories_per_customer.as_of_date
            and facts.customer_id = categories_per_customer.customer_id
),

{% set feature_columns = [
    'recency_days', 'n_orders', 'monetary_amount', 'average_order_amount',
    'units_per_order', 'n_categories', 'discount_rate', 'refund_rate',
    'mobile_order_rate', 'n_sessions', 'n_product_views', 'tenure_days',
] -%}
{% if is_incremental() -%}
rivals as (
    select
        as_of_date,
        customer_id
    from standing_features
    where as_of_date in ({{ few_values('new_dates', 'as_of_date') }})
),

gone_rows as (
    select rivals.*
    from rivals
    left join features
        on
            rivals.as_of_date = features.as_of_date
            and rivals.customer_id = features.customer_id
    where features.customer_id is null
    union distinct
    select
        as_of_date,
        customer_id
    from changed_facts
    where n_orders_window = 0
    union distinct
    select
        standing_features.as_of_date,
        standing_features.customer_id
    from standing_features
    inner join restarted_customers
        on
            standing_features.customer_id = restarted_customers.customer_id
            and standing_features.as_of_date <= restarted_customers.first_active_date
),

-- Of whom only categories changed all else stands.
recounted_features as (
    select
        standing_features.as_of_date,
        standing_features.customer_id,
        standing_features.window_start_date,
        {% for column in feature_columns if column != 'n_categories' -%}
        standing_features.{{ column }},
        {% endfor -%}
        cast(
            coalesce(categories_per_customer.n_categories, 0) as {{ type_double() }}
        ) as n_categories
    from standing_features
    inner join kept_dates
        on standing_features.as_of_date = kept_dates.as_of_date
    left join changed_facts
        on
            standing_features.as_of_date = changed_facts.as_of_date
            and standing_features.customer_id = changed_facts.customer_id
    left join gone_rows
        on
            standing_features.as_of_date = gone_rows.as_of_date
            and standing_features.customer_id = gone_rows.customer_id
    left join categories_per_customer
        on
            standing_features.as_of_date = categories_per_customer.as_of_date
            and standing_features.customer_id = categories_per_customer.customer_id
    where
        standing_features.customer_id
        in ({{ few_values('recategorized_customers', 'customer_id') }})
        and changed_facts.customer_id is null
        and gone_rows.customer_id is null
        and standing_features.n_categories
        <> coalesce(categories_per_customer.n_categories, 0)
),

{% endif -%}
written as (
    select * from features
    {% if is_incremental() -%}
        union all
        select
            as_of_date,
            customer_id,
            window_start_date,
            {{ feature_columns | join(',\n            ') }}
        from recounted_features
        union all
        select
            as_of_date,
            customer_id,
            cast(null as date) as window_start_date,
            {% for column in feature_columns[:-1] -%}
            cast(null as {{ type_double() }}) as {{ column }},
            {% endfor -%}
            cast(null as {{ type_double() }}) as {{ feature_columns[-1] }}
        from gone_rows
    {%- endif %}
),

final as (
    select
        -- keys
        as_of_date,
        customer_id,

        -- attributes
        window_start_date,

        -- measures
        {{ feature_columns | join(',\n        ') }},
        (select newest_changes.days_change_number from newest_changes)
            as days_change_number,
        (select newest_changes.category_change_number from newest_changes)
            as category_change_number
    from written
)

select * from final
