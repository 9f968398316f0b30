{#- The thresholds that people accepted, each as it was accepted last, as a relation;
    `accepted` is the name of a relation with the columns of the seed
    `accepted_thresholds`, whose key is threshold and date. -#}
{% macro newest_accepted_thresholds(accepted) -%}
    select
        threshold_name,
        threshold_value,
        proposal_id,
        accepted_date
    from (
        select
            *,
            row_number() over (
                partition by threshold_name
                order by accepted_date desc
            ) as newness_number
        from {{ accepted }}
    ) as numbered
    where newness_number = 1
{%- endmacro %}
