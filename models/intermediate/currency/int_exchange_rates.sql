-- Rates into the reporting currency. One that is only given the other way round is
-- turned; a rate of the same day that is given as such wins.
with

rates as (
    select * from {{ ref('int_fx_rates_classified') }}
    where record_status = 'accepted' and from_currency_code <> to_currency_code
),

given_or_turned as (
    select
        from_currency_code as currency_code,
        'given' as rate_type,
        exchange_rate,
        valid_from_date
    from rates
    where to_currency_code = '{{ var("reporting_currency") }}'
    union all
    select
        to_currency_code as currency_code,
        'turned' as rate_type,
        cast(1 / exchange_rate as decimal(18, 8)) as exchange_rate,
        valid_from_date
    from rates
    where from_currency_code = '{{ var("reporting_currency") }}'
),

numbered as (
    select
        *,
        row_number() over (
            partition by currency_code, valid_from_date
            order by rate_type
        ) as rate_number
    from given_or_turned
),

in_order as (
    select
        currency_code,
        exchange_rate,
        valid_from_date,
        lead(valid_from_date) over (
            partition by currency_code
            order by valid_from_date
        ) as next_valid_from_date
    from numbered
    where rate_number = 1
),

final as (
    select
        currency_code,
        exchange_rate,
        valid_from_date,
        coalesce(next_valid_from_date, cast('9999-12-31' as date)) as valid_to_date
    from in_order
    union all
    select
        '{{ var("reporting_currency") }}' as currency_code,
        cast(1 as decimal(18, 8)) as exchange_rate,
        cast('0001-01-01' as date) as valid_from_date,
        cast('9999-12-31' as date) as valid_to_date
)

select * from final
