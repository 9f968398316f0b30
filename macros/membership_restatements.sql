{#- Memberships whose segment is another than the one that history holds for the as-of date,
    as a relation, by names of relations as `membership_changes` takes them. A date that is
    later than all of history has nothing there to be another than: the snapshot is about
    to be given all of it. -#}
{% macro membership_restatements(memberships, history) -%}
    {%- if is_in_history() -%}
        {{ membership_changes(memberships, history) }}
    {%- else -%}
    select
        customer_id,
        segment_set,
        segment
    from {{ memberships }}
    where false
    {%- endif -%}
{%- endmacro %}
