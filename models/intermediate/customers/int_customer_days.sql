{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['customer_id', 'activity_date'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where n_orders is null",
    )
}}

{% set order_measures = [
    'n_orders', 'n_mobile_orders', 'n_order_lines', 'purchased_quantity',
    'purchase_amount', 'gross_amount', 'discount_amount', 'refund_amount',
] -%}
{% set measures = order_measures + [
    'n_sessions', 'n_product_views', 'n_products_added',
] -%}
-- Only customers are summed whose orders or sessions changed, and only rows that say
-- something new are written, so that facts are summed again where a day changed and
-- nowhere else. A day that is no more is written without content and deleted in the
-- same transaction.
with

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
    where customer_id is not null
),

orders as (
    select * from {{ ref('int_orders') }}
    where is_purchase and customer_id is not null
),

all_sessions as {{ not_materialized() }} (
    select * from {{ ref('int_sessions') }}
),

sessions as {{ not_materialized() }} (
    select * from all_sessions
    where customer_id is not null
),

newest_session_change as (
    select coalesce(max(change_number), 0) as change_number from all_sessions
),

newest_load as (
    select max(load_id) as load_id from {{ ref('stg_landing__loads') }}
),

order_activity as (
    select
        customer_id,
        ordered_date as activity_date,
        count(*) as n_orders,
        sum(case when channel = 'mobile' then 1 else 0 end) as n_mobile_orders,
        0 as n_order_lines,
        0 as purchased_quantity,
        0 as purchase_amount,
        0 as gross_amount,
        0 as discount_amount,
        0 as refund_amount
    from orders
    group by customer_id, ordered_date
    union all
    select
        customer_id,
        ordered_date as activity_date,
        0 as n_orders,
        0 as n_mobile_orders,
        count(*) as n_order_lines,
        sum(case when line_type = 'purchase' then quantity else 0 end)
            as purchased_quantity,
        sum(
            case
                when line_type = 'purchase' then gross_amount - discount_amount
                else 0
            end
        ) as purchase_amount,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount
    from order_lines
    group by customer_id, ordered_date
),

all_order_days as {% if is_incremental() %}{{ materialized() }} {% endif %}(
    select
        {% for measure in order_measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        customer_id,
        activity_date
    from order_activity
    group by customer_id, activity_date
),

{% if is_incremental() -%}
standing_days as {{ not_materialized() }} (
    select * from {{ this }}
),

standing_order_days as (
    select * from standing_days
    where n_orders > 0 or n_order_lines > 0
),

changed_order_days as (
    select
        coalesce(all_order_days.customer_id, standing_order_days.customer_id)
            as customer_id
    from all_order_days
    full outer join standing_order_days
        on
            all_order_days.customer_id = standing_order_days.customer_id
            and all_order_days.activity_date = standing_order_days.activity_date
    where
        all_order_days.customer_id is null
        or standing_order_days.customer_id is null
        {% for measure in order_measures -%}
        or all_order_days.{{ measure }} <> standing_order_days.{{ measure }}
        {% endfor %}
),

-- Sessions that were numbered anew are all looked at, and their days written again.
session_watermark as (
    select
        case
            when
                max(standing_days.session_change_number)
                <= max(newest_session_change.change_number)
                then max(standing_days.session_change_number)
            else 0
        end as change_number
    from standing_days
    cross join newest_session_change
),

changed_sessions as (
    select
        customer_id,
        previous_customer_id
    from all_sessions
    where
        change_number > (select session_watermark.change_number from session_watermark)
),

-- A session that changed twice has forgotten whose it was at first.
{% set is_counted = changed_more_than_once(
    ref('int_sessions'), 'change_number', this, 'session_change_number'
) -%}
session_counts as (
    select
        customer_id,
        1 as n_sessions,
        0 as n_standing_sessions
    from sessions
    where {{ is_counted }}
    union all
    select
        customer_id,
        0 as n_sessions,
        n_sessions as n_standing_sessions
    from standing_days
    where n_sessions > 0 and {{ is_counted }}
),

-- The first customer is always looked at, to be written with every change.
touched_customers as (
    select customer_id from changed_order_days
    union distinct
    select customer_id from changed_sessions
    where customer_id is not null
    union distinct
    select previous_customer_id as customer_id from changed_sessions
    where previous_customer_id is not null
    union distinct
    select customer_id
    from session_counts
    group by customer_id
    having sum(n_sessions) <> sum(n_standing_sessions)
    union distinct
    select min(customer_id) as customer_id from standing_days
),

touched_days as {{ not_materialized() }} (
    select * from standing_days
    where customer_id in ({{ few_values('touched_customers', 'customer_id') }})
),

order_days as (
    select * from all_order_days
    where customer_id in ({{ few_values('touched_customers', 'customer_id') }})
),

touched_sessions as (
    select * from sessions
    where customer_id in ({{ few_values('touched_customers', 'customer_id') }})
),

{% else -%}
order_days as (
    select * from all_order_days
),

touched_sessions as (
    select * from sessions
),

{% endif -%}
session_days as (
    select
        customer_id,
        started_date as activity_date,
        count(*) as n_sessions,
        sum(n_product_views) as n_product_views,
        sum(n_products_added) as n_products_added
    from touched_sessions
    group by customer_id, started_date
),

-- Most days have sessions alone, so the two are joined rather than added up once more.
summed as (
    select
        coalesce(session_days.customer_id, order_days.customer_id) as customer_id,
        coalesce(session_days.activity_date, order_days.activity_date)
            as activity_date,
        cast(coalesce(order_days.n_orders, 0) as {{ dbt.type_int() }}) as n_orders,
        cast(coalesce(order_days.n_mobile_orders, 0) as {{ dbt.type_int() }})
            as n_mobile_orders,
        cast(coalesce(order_days.n_order_lines, 0) as {{ dbt.type_int() }})
            as n_order_lines,
        cast(coalesce(order_days.purchased_quantity, 0) as {{ type_amount() }})
            as purchased_quantity,
        cast(coalesce(order_days.purchase_amount, 0) as {{ type_amount() }})
            as purchase_amount,
        cast(coalesce(order_days.gross_amount, 0) as {{ type_amount() }})
            as gross_amount,
        cast(coalesce(order_days.discount_amount, 0) as {{ type_amount() }})
            as discount_amount,
        cast(coalesce(order_days.refund_amount, 0) as {{ type_amount() }})
            as refund_amount,
        cast(coalesce(session_days.n_sessions, 0) as {{ dbt.type_int() }})
            as n_sessions,
        cast(coalesce(session_days.n_product_views, 0) as {{ dbt.type_int() }})
            as n_product_views,
        cast(coalesce(session_days.n_products_added, 0) as {{ dbt.type_int() }})
            as n_products_added
    from session_days
    full outer join order_days
        on
            session_days.customer_id = order_days.customer_id
            and session_days.activity_date = order_days.activity_date
),

-- Purchase days know the one before, whatever happened between them.
days as (
    select
        *,
        activity_date as purchase_date,
        lag(activity_date) over (
            partition by customer_id
            order by activity_date
        ) as previous_purchase_date
    from summed
    where n_orders > 0
    union all
    select
        *,
        cast(null as date) as purchase_date,
        cast(null as date) as previous_purchase_date
    from summed
    where n_orders = 0
),

{% if is_incremental() -%}
compared as {{ materialized() }} (
    select
        coalesce(days.customer_id, touched_days.customer_id) as customer_id,
        coalesce(days.activity_date, touched_days.activity_date) as activity_date,
        {% for measure in measures -%}
        days.{{ measure }},
        {% endfor -%}
        days.purchase_date,
        days.previous_purchase_date,
        days.customer_id is null as is_gone,
        touched_days.customer_id is null
        or touched_days.session_change_number
        > (select newest_session_change.change_number from newest_session_change)
        {% for measure in measures -%}
        or coalesce(days.{{ measure }} <> touched_days.{{ measure }}, true)
        {% endfor -%}
        or coalesce(days.previous_purchase_date, cast('0001-01-01' as date))
        <> coalesce(touched_days.previous_purchase_date, cast('0001-01-01' as date))
            as is_changed
    from days
    full outer join touched_days
        on
            days.customer_id = touched_days.customer_id
            and days.activity_date = touched_days.activity_date
),

-- Of a customer who lost a day all other days are written, so that each change of a
-- customer is one of a row; and the first row with every change, so that the newest
-- number stays, though those whose rows had it be gone.
losers as (
    select customer_id from compared
    where is_gone
    group by customer_id
),

first_customer as (
    select min(customer_id) as customer_id from compared
    where
        not is_gone
        and exists (select 1 from compared as changes where changes.is_changed)
),

changed_days as (
    select * from compared
    where
        is_changed
        or customer_id in (select losers.customer_id from losers)
        or customer_id = (select first_customer.customer_id from first_customer)
),

{% else -%}
changed_days as (
    select * from days
),

standing_days as (
    select cast(0 as {{ dbt.type_bigint() }}) as change_number
),

{% endif -%}
final as (
    select
        -- keys
        customer_id,

        -- measures
        {% for measure in measures -%}
        {{ measure }},
        {% endfor -%}
        (select coalesce(max(standing_days.change_number), 0) + 1 from standing_days)
            as change_number,
        (select newest_session_change.change_number from newest_session_change)
            as session_change_number,
        (select newest_load.load_id from newest_load) as summed_at_load_id,

        -- times
        activity_date,
        purchase_date,
        previous_purchase_date
    from changed_days
)

select * from final
