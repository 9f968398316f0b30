{#- Rule segments as (as-of date, customer, set, segment): every boolean column that the
    model's YAML declares is a set of its own, named without its `is_`. A new rule
    therefore needs its line of SQL and its line of YAML, and nothing here. -#}
{% macro unpivot_rule_segments(relation) -%}
    {%- set rules = rule_segments() -%}
    select
        customers.as_of_date,
        customers.customer_id,
        rules.segment_set,
        case
            {%- for rule in rules %}
            when rules.segment_set = '{{ rule }}' and customers.is_{{ rule }}
                then '{{ rule }}'
            {%- endfor %}
            else 'none'
        end as segment
    from {{ relation }} as customers
    cross join ({{ segment_sets(rules) }}) as rules
{%- endmacro %}
