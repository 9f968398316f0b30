{#- Counts of rule segments and of their pairs as (pair, counts), as a relation; `counts` is
    the name of a relation with one row: customers in all (`n_all`), in each rule
    (`n_<rule>`) and in each pair of `rule_segment_pairs` (`n_pair_<number>`). -#}
{% macro unpivot_rule_segment_pairs(counts) -%}
    {%- for rule, priority, other_rule, other_priority in rule_segment_pairs() %}
    select
        '{{ rule }}' as segment,
        '{{ other_rule }}' as other_segment,
        {{ priority }} as priority_number,
        {{ other_priority }} as other_priority_number,
        n_all,
        n_{{ rule }} as n_customers,
        n_{{ other_rule }} as n_other_customers,
        n_pair_{{ loop.index }} as n_shared_customers
    from {{ counts }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        'none' as segment,
        'none' as other_segment,
        0 as priority_number,
        0 as other_priority_number,
        n_all,
        0 as n_customers,
        0 as n_other_customers,
        0 as n_shared_customers
    from {{ counts }}
    where false
    {%- endfor %}
{%- endmacro %}
