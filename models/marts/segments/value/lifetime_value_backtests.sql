with

backtests as (
    select * from {{ ref('stg_python__lifetime_value_backtests') }}
),

models as (
    select * from {{ ref('stg_python__lifetime_value_models') }}
    where as_of_date <= {{ as_of_date() }}
),

final as (
    select
        -- keys
        {{ hash_key(['backtests.model_id', 'backtests.group_number']) }}
            as backtest_key,
        backtests.model_id,
        backtests.group_number,
        models.as_of_date,

        -- attributes
        backtests.frequency_group,

        -- measures
        models.holdout_days,
        backtests.n_holdout_customers,
        backtests.n_holdout_purchase_days,
        backtests.expected_holdout_purchase_days,
        backtests.naive_holdout_purchase_days,
        cast(backtests.n_holdout_purchase_days as {{ type_double() }})
        / nullif(backtests.n_holdout_customers, 0) as purchase_days_per_customer,
        backtests.expected_holdout_purchase_days
        / nullif(backtests.n_holdout_customers, 0)
            as expected_purchase_days_per_customer,
        backtests.naive_holdout_purchase_days
        / nullif(backtests.n_holdout_customers, 0) as naive_purchase_days_per_customer
    from backtests
    inner join models
        on backtests.model_id = models.model_id
)

select * from final
