with

imputations as (
    select * from {{ ref('int_imputations') }}
),

counted as (
    select
        model_name,
        column_name,
        sum(n_records) as n_records,
        sum(case when imputed_value is not null then n_records else 0 end)
            as n_imputed_records
    from {{ ref('int_imputed_values') }}
    group by model_name, column_name
),

final as (
    select
        -- keys
        {{ hash_key(['imputations.model_name', 'imputations.column_name']) }}
            as imputation_key,

        -- attributes
        imputations.model_name,
        imputations.column_name,
        imputations.method as imputation_method,
        imputations.default_value,
        imputations.imputed_value,
        imputations.reason as imputation_reason,

        -- measures
        cast(coalesce(counted.n_records, 0) as bigint) as n_records,
        cast(coalesce(counted.n_imputed_records, 0) as bigint) as n_imputed_records,
        {{ safe_divide('counted.n_imputed_records', 'counted.n_records') }}
            as imputed_record_rate
    from imputations
    left join counted
        on
            imputations.model_name = counted.model_name
            and imputations.column_name = counted.column_name
)

select * from final
