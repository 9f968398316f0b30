{#- Answers of consent as (identifier, purpose, source, status, time): one row for each
    identifier that a record names and each purpose that it says something about. -#}
{% macro unpivot_consents(relation, identifier_columns) -%}
    {%- for identifier_column in identifier_columns %}
    {%- set is_last_identifier = loop.last %}
    {%- for purpose in ['analytics', 'personalization', 'advertising'] %}
    select
        {{ identifier_column }} as identifier_key,
        '{{ purpose }}' as purpose,
        source_name,
        {{ purpose }}_consent as consent_status,
        decided_at
    from {{ relation }}
    where
        {{ purpose }}_consent is not null
        and {{ identifier_column }} is not null
        and decided_at is not null
    {%- if not (loop.last and is_last_identifier) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
