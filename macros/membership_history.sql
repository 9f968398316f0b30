{#- Every membership that the snapshot has seen before or at the as-of date, as a
    relation. The snapshot is read by name, since it is built from the model that asks:
    a customer who is gone from the facts keeps a row, so that leaving is recorded. -#}
{% macro membership_history() -%}
    {%- set history = none -%}
    {%- if execute -%}
        {%- set history = adapter.get_relation(
            database=target.database,
            schema='snapshots',
            identifier='snap_segment_memberships',
        ) -%}
    {%- endif -%}
    {%- if history is none -%}
        select
            cast(null as {{ dbt.type_string() }}) as customer_id,
            cast(null as {{ dbt.type_string() }}) as segment_set
        where false
    {%- else -%}
        select
            customer_id,
            segment_set
        from {{ history }}
        where dbt_valid_from <= {{ as_of_date() }}
        group by customer_id, segment_set
    {%- endif -%}
{%- endmacro %}
