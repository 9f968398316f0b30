-- Purchases as events saw them. Copies of one order are one, and one that an order
-- system knows is that system's.
with

purchases as (
    select * from {{ ref('int_purchase_events') }}
    where record_status = 'accepted'
),

order_lines as (
    select * from {{ ref('int_order_lines_unioned') }}
),

shopify_orders as (
    select * from {{ ref('int_shopify_orders_classified') }}
),

exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

countries as (
    select * from {{ ref('countries') }}
),

-- Among the copies of one source the highest value counts; among sources the one that
-- comes first: what a shop sends itself before what a browser measured.
ranked as (
    select
        *,
        case source_name when 'segment' then 1 when 'ga4' then 2 else 3 end
            as source_rank,
        coalesce(order_id, cast(event_key as {{ dbt.type_string() }})) as copies_key,
        case when order_id is null then 0 else 1 end as has_order_id
    from purchases
),

numbered as (
    select
        *,
        row_number() over (
            partition by has_order_id, copies_key
            order by
                source_rank asc,
                source_name asc,
                coalesce(revenue_amount, 0) desc,
                occurred_at asc,
                event_key asc
        ) as copy_number,
        count(*) over (
            partition by has_order_id, copies_key
        ) as n_events
    from ranked
),

-- Events name an order by its id, or by the number that people see. Of two orders of
-- one name the lowest key counts.
known_ids as (
    select
        order_id as order_name,
        min(order_key) as order_key
    from order_lines
    where order_id is not null
    group by order_id
),

known_numbers as (
    select
        order_number as order_name,
        min(order_key) as order_key
    from shopify_orders
    where record_status = 'accepted' and order_number is not null
    group by order_number
),

known_names as (
    select * from known_ids
    union all
    select
        known_numbers.order_name,
        known_numbers.order_key
    from known_numbers
    left join known_ids
        on known_numbers.order_name = known_ids.order_name
    where known_ids.order_name is null
),

test_names as (
    select order_id as order_name from shopify_orders
    where is_test and order_id is not null
    union distinct
    select order_number as order_name from shopify_orders
    where is_test and order_number is not null
),

dated as (
    select
        *,
        {{ to_business_date('occurred_at') }} as ordered_date,
        {{ imputed('int_events_classified', 'currency_code') }} as order_currency_code
    from numbered
    where copy_number = 1
),

-- A purchase in a currency without a rate stays an event and is no order of its own.
final as (
    select
        -- keys
        dated.load_id,
        dated.record_number,
        dated.event_key,
        coalesce(
            known_names.order_key,
            case
                when dated.order_id is null
                    then {{ hash_key(['dated.source_name', 'dated.event_key']) }}
                else {{ hash_key(['dated.source_name', 'dated.order_id']) }}
            end
        ) as order_key,
        dated.order_id,
        coalesce(
            {{ compact_identifier_key('user_id', 'dated.user_id') }},
            {{ compact_identifier_key('email_hash', 'dated.email_hash') }},
            {{ compact_identifier_key('phone_hash', 'dated.phone_hash') }},
            case dated.source_name
                when 'ga4'
                    then {{ compact_identifier_key(
                        'ga4_pseudo_id', 'dated.anonymous_id'
                    ) }}
                else {{ compact_identifier_key('anonymous_id', 'dated.anonymous_id') }}
            end
        ) as compact_identifier_key,

        -- attributes
        dated.source_name,
        coalesce(countries.display_name, dated.country_code) as country,
        case
            when dated.device_type in ('mobile', 'tablet') then 'mobile'
            when dated.device_type is not null then 'web'
        end as channel,
        dated.order_currency_code as currency_code,

        -- measures
        exchange_rates.exchange_rate,
        {{ imputed(
            'int_events_classified', 'quantity', type_amount(),
            'case when dated.quantity > 0 then dated.quantity end'
        ) }} as quantity,
        {{ imputed(
            'int_events_classified', 'revenue_amount', type_amount(),
            'dated.revenue_amount'
        ) }} as gross_amount,
        dated.n_events,

        -- flags
        known_names.order_key is not null as is_in_order_system,
        known_names.order_key is null and exchange_rates.exchange_rate is not null
            as is_order,

        -- times
        dated.occurred_at as ordered_at
    from dated
    left join known_names
        on dated.order_id = known_names.order_name
    left join test_names
        on dated.order_id = test_names.order_name
    left join exchange_rates
        on
            dated.order_currency_code = exchange_rates.currency_code
            and dated.ordered_date >= exchange_rates.valid_from_date
            and dated.ordered_date < exchange_rates.valid_to_date
    left join countries
        on
            dated.country_code = countries.country_code
            and lower(countries.display_name) = countries.country_name
    where test_names.order_name is null or known_names.order_key is not null
)

select * from final
