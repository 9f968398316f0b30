{#- Every membership that the snapshot knows at the as-of date, with its segment then, as a
    relation: a customer who is gone from the facts keeps a row, so that leaving is
    recorded. -#}
{% macro membership_history() -%}
    {%- set history = find_membership_history() -%}
    {%- if history is none -%}
        select
            cast(null as {{ dbt.type_string() }}) as customer_id,
            cast(null as {{ dbt.type_string() }}) as segment_set,
            cast(null as {{ dbt.type_string() }}) as segment
        where false
    {%- else -%}
        select
            customer_id,
            segment_set,
            segment
        from {{ history }}
        where
            dbt_valid_from <= {{ as_of_date() }}
            and (dbt_valid_to is null or dbt_valid_to > {{ as_of_date() }})
    {%- endif -%}
{%- endmacro %}
