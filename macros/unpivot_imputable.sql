{#- What records have in the columns that the seed `imputations` declares for a model, as
    (record, model, column, method, value), one row for each record and column. -#}
{% macro unpivot_imputable(relation, model_name, columns) -%}
    select
        {{ relation }}.load_id,
        {{ relation }}.record_number,
        {{ relation }}.record_key,
        imputations.model_name,
        imputations.column_name,
        imputations.method,
        case imputations.column_name
        {%- for column in columns %}
            when '{{ column }}' then cast({{ relation }}.{{ column }} as {{ dbt.type_string() }})
        {%- endfor %}
        end as known_value
    from {{ relation }}
    inner join {{ ref('imputations') }} as imputations
        on imputations.model_name = '{{ model_name }}'
{%- endmacro %}
