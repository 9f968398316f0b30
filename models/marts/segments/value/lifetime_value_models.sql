with

models as (
    select * from {{ ref('stg_python__lifetime_value_models') }}
    where as_of_date <= {{ as_of_date() }}
),

backtests as (
    select * from {{ ref('stg_python__lifetime_value_backtests') }}
),

summed_backtests as (
    select
        model_id,
        sum(n_holdout_customers) as n_holdout_customers,
        sum(n_holdout_purchase_days) as n_holdout_purchase_days,
        sum(expected_holdout_purchase_days) as expected_holdout_purchase_days,
        sum(naive_holdout_purchase_days) as naive_holdout_purchase_days
    from backtests
    group by model_id
),

numbered as (
    select
        *,
        row_number() over (order by as_of_date desc, model_id asc) as recency_number
    from models
),

final as (
    select
        -- keys
        numbered.model_id,
        numbered.as_of_date,

        -- attributes
        numbered.outcome_code,
        numbered.outcome,
        numbered.amount_outcome_code,
        numbered.amount_outcome,
        numbered.backtest_outcome_code,
        numbered.backtest_outcome,

        -- measures
        numbered.n_customers,
        numbered.n_repeat_customers,
        numbered.n_amount_customers,
        numbered.bg_nbd_r,
        numbered.bg_nbd_alpha,
        numbered.bg_nbd_a,
        numbered.bg_nbd_b,
        numbered.bg_nbd_log_likelihood,
        numbered.gamma_gamma_p,
        numbered.gamma_gamma_q,
        numbered.gamma_gamma_v,
        numbered.gamma_gamma_log_likelihood,
        numbered.frequency_amount_correlation,
        numbered.holdout_days,
        cast(summed_backtests.n_holdout_customers as bigint) as n_holdout_customers,
        cast(summed_backtests.n_holdout_purchase_days as bigint)
            as n_holdout_purchase_days,
        summed_backtests.expected_holdout_purchase_days,
        summed_backtests.naive_holdout_purchase_days,
        summed_backtests.expected_holdout_purchase_days
        / nullif(summed_backtests.n_holdout_purchase_days, 0) - 1
            as holdout_relative_error,
        summed_backtests.naive_holdout_purchase_days
        / nullif(summed_backtests.n_holdout_purchase_days, 0) - 1
            as naive_holdout_relative_error,

        -- flags
        numbered.is_converged,
        numbered.is_amount_converged,
        numbered.recency_number = 1 as is_newest
    from numbered
    left join summed_backtests
        on numbered.model_id = summed_backtests.model_id
)

select * from final
