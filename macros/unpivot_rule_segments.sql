{#- Rule segments as (columns, set, segment, measures): every boolean column that the
    model's YAML declares is a set of its own, named without its `is_`. A new rule
    therefore needs its line of SQL and its line of YAML, and nothing here. -#}
{% macro unpivot_rule_segments(
    relation, columns=['as_of_date', 'customer_id'], measures=[]
) -%}
    {%- set rules = rule_segments() -%}
    select
        {%- for column in columns %}
        customers.{{ column }},
        {%- endfor %}
        rules.segment_set,
        case
            {%- for rule in rules %}
            when rules.segment_set = '{{ rule }}' and customers.is_{{ rule }}
                then '{{ rule }}'
            {%- endfor %}
            else 'none'
        end as segment
        {%- for measure in measures %},
        customers.{{ measure }}
        {%- endfor %}
    from {{ relation }} as customers
    cross join ({{ segment_sets(rules) }}) as rules
{%- endmacro %}
