{#- The snapshot of memberships, or none before there is one. It is found by name, since it
    is built from the models that ask. -#}
{% macro find_membership_history() -%}
    {%- if execute -%}
        {%- do return(adapter.get_relation(
            database=target.database,
            schema='snapshots',
            identifier='snap_segment_memberships',
        )) -%}
    {%- endif -%}
    {%- do return(none) -%}
{%- endmacro %}
