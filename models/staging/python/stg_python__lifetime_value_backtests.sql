with

source as (
    select * from {{ source('python', 'lifetime_value_backtests') }}
),

final as (
    select
        model_id,
        group_number,
        frequency_group,
        n_holdout_customers,
        n_holdout_purchase_days,
        expected_holdout_purchase_days,
        naive_holdout_purchase_days
    from source
)

select * from final
