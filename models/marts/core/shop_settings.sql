with

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_current
),

final as (
    select
        -- keys
        as_of_date,

        -- attributes
        {{ dbt.string_literal(dbt.escape_single_quotes(var('shop_name'))) }}
            as shop_name,
        '{{ var("reporting_currency") }}' as reporting_currency_code,
        '{{ var("business_time_zone") }}' as business_time_zone_name,

        -- measures
        cast({{ var('rfm_window_days') }} as {{ dbt.type_bigint() }}) as window_days
    from as_of_dates
)

select * from final
