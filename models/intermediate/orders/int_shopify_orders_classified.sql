with

orders as (
    select * from {{ ref('stg_shopify__orders') }}
),

exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

countries as (
    select * from {{ ref('countries') }}
),

dated as (
    select
        *,
        {{ imputed('stg_shopify__orders', 'currency_code') }} as order_currency_code,
        {{ to_business_date('ordered_at') }} as ordered_date
    from orders
),

-- All of an order counts at the rate of its day, what is taken back too.
priced as (
    select
        dated.load_id,
        dated.record_number,
        dated.order_id,
        dated.order_number,
        dated.shopify_customer_id,
        {{ identifier_key('email_hash', 'dated.email') }} as email_hash,
        {{ identifier_key('phone_hash', 'dated.phone') }} as phone_hash,
        dated.content_key,
        dated.source_name,
        dated.order_currency_code as currency_code,
        coalesce(countries.display_name, dated.country_code) as country,
        dated.channel,
        case
            when dated.reject_reason is not null then dated.reject_reason
            when exchange_rates.exchange_rate is null then 'missing_fx_rate'
        end as reject_reason,
        exchange_rates.exchange_rate,
        dated.shipping_amount,
        dated.is_test,
        dated.is_tax_included,
        dated.ordered_at,
        dated.cancelled_at,
        dated.updated_at
    from dated
    left join exchange_rates
        on
            dated.order_currency_code = exchange_rates.currency_code
            and dated.ordered_date >= exchange_rates.valid_from_date
            and dated.ordered_date < exchange_rates.valid_to_date
    left join countries
        on
            dated.country_code = countries.country_code
            and lower(countries.display_name) = countries.country_name
),

-- The newest version of an order is the order, its older ones are copies.
numbered as (
    select
        *,
        row_number() over (
            partition by
                order_id,
                case when reject_reason is null then 1 else 0 end
            order by updated_at desc, content_key asc, load_id asc, record_number asc
        ) as version_number
    from priced
),

final as (
    select
        -- keys
        load_id,
        record_number,
        {{ hash_key(['source_name', 'order_id']) }} as order_key,
        order_id,
        order_number,
        shopify_customer_id,
        email_hash,
        phone_hash,
        content_key,

        -- attributes
        source_name,
        case
            when reject_reason is not null then 'rejected'
            when version_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,
        currency_code,
        country,
        channel,

        -- measures
        exchange_rate,
        shipping_amount,

        -- flags
        is_test,
        is_tax_included,

        -- times
        ordered_at,
        cancelled_at,
        updated_at
    from numbered
)

select * from final
