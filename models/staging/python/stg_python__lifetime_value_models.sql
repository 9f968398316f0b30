with

source as (
    select * from {{ source('python', 'lifetime_value_models') }}
),

final as (
    select
        model_id,
        as_of_date,
        n_customers,
        n_repeat_customers,
        outcome_code,
        outcome,
        is_converged,
        bg_nbd_r,
        bg_nbd_alpha,
        bg_nbd_a,
        bg_nbd_b,
        bg_nbd_log_likelihood,
        amount_outcome_code,
        amount_outcome,
        is_amount_converged,
        n_amount_customers,
        gamma_gamma_p,
        gamma_gamma_q,
        gamma_gamma_v,
        gamma_gamma_log_likelihood,
        frequency_amount_correlation,
        backtest_outcome_code,
        backtest_outcome,
        holdout_days
    from source
)

select * from final
