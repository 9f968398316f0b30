with

imputations as (
    select
        *,
        case default_value
            when 'reporting_currency' then '{{ var("reporting_currency") }}'
            else default_value
        end as resolved_value
    from {{ ref('imputations') }}
),

-- A record that landed twice counts once.
known_values as (
    select
        model_name,
        column_name,
        record_key,
        known_value
    from {{ ref('int_imputable_values') }}
    where method <> 'default' and known_value is not null
    group by model_name, column_name, record_key, known_value
),

medians as (
    select
        model_name,
        column_name,
        {{ median(dbt.safe_cast('known_value', type_amount())) }} as median_value
    from known_values
    group by model_name, column_name
),

value_counts as (
    select
        model_name,
        column_name,
        known_value,
        count(*) as n_records
    from known_values
    group by model_name, column_name, known_value
),

ranked as (
    select
        *,
        row_number() over (
            partition by model_name, column_name
            order by n_records desc, known_value asc
        ) as value_number
    from value_counts
),

final as (
    select
        imputations.model_name,
        imputations.column_name,
        imputations.method,
        imputations.resolved_value as default_value,
        case imputations.method
            when 'median'
                then coalesce(
                    cast(
                        cast(medians.median_value as {{ type_amount() }})
                        as {{ dbt.type_string() }}
                    ),
                    imputations.resolved_value
                )
            when 'mode' then coalesce(ranked.known_value, imputations.resolved_value)
            else imputations.resolved_value
        end as imputed_value,
        imputations.reason
    from imputations
    left join medians
        on
            imputations.model_name = medians.model_name
            and imputations.column_name = medians.column_name
    left join ranked
        on
            imputations.model_name = ranked.model_name
            and imputations.column_name = ranked.column_name
            and ranked.value_number = 1
)

select * from final
