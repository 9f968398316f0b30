{{ config(meta={'dagster': {'ref': {'name': 'imputed_values'}}}) }}

-- Guards that the seed `imputations` says all that is filled: no column that it doesn't
-- name, and none with another default.
with

filled as (
    select
        model_name,
        column_name,
        imputed_value
    from {{ ref('int_imputed_values') }}
    where imputed_value is not null
),

imputed_values as (
    select * from {{ ref('imputed_values') }}
),

final as (
    select
        filled.model_name,
        filled.column_name,
        filled.imputed_value,
        imputed_values.default_value
    from filled
    left join imputed_values
        on
            filled.model_name = imputed_values.model_name
            and filled.column_name = imputed_values.column_name
    where
        imputed_values.model_name is null
        or (
            imputed_values.imputation_method = 'default'
            and filled.imputed_value <> imputed_values.default_value
            and coalesce(
                {{ dbt.safe_cast('filled.imputed_value', type_amount()) }}
                <> {{ dbt.safe_cast('imputed_values.default_value', type_amount()) }},
                true
            )
        )
)

select * from final
