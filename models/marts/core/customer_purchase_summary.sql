with

customer_days as (
    select * from {{ ref('int_customer_days') }}
    where purchase_date < {{ as_of_date() }}
),

first_days as (
    select
        customer_id,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date
    from customer_days
    group by customer_id
),

aggregated as (
    select
        customer_days.customer_id,
        first_days.first_purchase_date,
        first_days.last_purchase_date,
        count(*) - 1 as n_repeat_purchase_days,
        sum(
            case
                when customer_days.purchase_date > first_days.first_purchase_date
                    then customer_days.purchase_amount
                else 0
            end
        ) as repeat_purchase_amount
    from customer_days
    inner join first_days
        on customer_days.customer_id = first_days.customer_id
    group by
        customer_days.customer_id,
        first_days.first_purchase_date,
        first_days.last_purchase_date
),

dated as (
    select
        *,
        {{ as_of_date() }} as as_of_date
    from aggregated
),

final as (
    select
        -- keys
        customer_id,
        as_of_date,

        -- measures
        cast(n_repeat_purchase_days as bigint) as n_repeat_purchase_days,
        cast(
            {{ dbt.datediff(
                'first_purchase_date', 'last_purchase_date', 'day'
            ) }} as bigint
        ) as first_to_last_purchase_days,
        cast(
            {{ dbt.datediff(
                'first_purchase_date', 'as_of_date', 'day'
            ) }} - 1 as bigint
        ) as age_days,
        cast(
            {{ safe_divide('repeat_purchase_amount', 'n_repeat_purchase_days') }}
            as {{ type_amount() }}
        ) as mean_repeat_day_amount,

        -- times
        first_purchase_date,
        last_purchase_date
    from dated
)

select * from final
