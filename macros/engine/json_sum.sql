{#- The sum of the amounts that a path with `[*]` finds in a JSON object; 0 where it finds
    none, missing where one of them is no number. -#}
{% macro json_sum(expression, path) -%}
    {{ return(adapter.dispatch('json_sum', 'segmentary')(expression, path)) }}
{%- endmacro %}

{% macro duckdb__json_sum(expression, path) -%}
    {%- set texts = "json_extract_string(" ~ expression ~ ", '$." ~ path ~ "')" -%}
    {%- set amounts -%}
        list_transform({{ texts }}, lambda v: try_cast(v as {{ type_amount() }}))
    {%- endset -%}
    case
        when coalesce(len({{ texts }}), 0) = 0 then 0
        when list_contains(
            list_transform({{ amounts }}, lambda v: v is null), true
        ) then null
        else cast(list_sum({{ amounts }}) as {{ type_amount() }})
    end
{%- endmacro %}
