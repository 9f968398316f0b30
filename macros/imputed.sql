{#- A column's value, or what the seed `imputations` fills in where a record leaves it
    out. The value is read where it is used, so that the seed is the one place that says
    it, and whoever changes it there changes no model. -#}
{% macro imputed(model_name, column_name, data_type=none, expression=none) -%}
    {%- set filled_in -%}
        (
            select max(imputations.imputed_value)
            from {{ ref('int_imputations') }} as imputations
            where
                imputations.model_name = '{{ model_name }}'
                and imputations.column_name = '{{ column_name }}'
        )
    {%- endset -%}
    {%- set value = expression or column_name -%}
    {%- if data_type is none -%}
        coalesce({{ value }}, {{ filled_in }})
    {%- else -%}
        cast(
            coalesce({{ value }}, cast({{ filled_in }} as {{ data_type }}))
            as {{ data_type }}
        )
    {%- endif -%}
{%- endmacro %}
