{#- Bounds of RFM scores with one row for each as-of date, as a relation; `bounds` is the
    name of a relation with the columns of `rfm_score_bounds`. A score that nobody has
    reached has no bound. -#}
{% macro rfm_bounds_in_columns(bounds) -%}
    select
        as_of_date
        {%- for measure in ('recency_days', 'n_orders', 'monetary_amount') -%}
        {%- for score in (5, 4, 3, 2) %},
        max(case when measure = '{{ measure }}' and score = {{ score }} then bound end)
            as {{ measure }}_{{ score }}
        {%- endfor -%}
        {%- endfor %}
    from {{ bounds }}
    group by as_of_date
{%- endmacro %}
