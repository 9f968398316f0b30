{#- Whether the snapshot of memberships has been given the as-of date, or a later one. -#}
{% macro is_in_history() -%}
    {%- set history = find_membership_history() -%}
    {%- if history is not none -%}
        {%- do return(run_query(
            'select coalesce(max(cast(dbt_valid_from as date)) >= ' ~ as_of_date()
            ~ ', false) as is_in_history from ' ~ history
        ).rows[0][0]) -%}
    {%- endif -%}
    {%- do return(false) -%}
{%- endmacro %}
