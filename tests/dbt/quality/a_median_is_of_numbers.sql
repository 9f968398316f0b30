{{ config(meta={'dagster': {'ref': {'name': 'imputations'}}}) }}

-- Guards that the seed `imputations` names the method `median` only for numbers: texts
-- have none, and the default would stand in without a word.
with

imputations as (
    select * from {{ ref('imputations') }}
),

final as (
    select
        model_name,
        column_name,
        default_value
    from imputations
    where
        method = 'median'
        and {{ dbt.safe_cast('default_value', type_amount()) }} is null
)

select * from final
