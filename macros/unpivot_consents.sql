{#- Answers of consent as (identifier, purpose, source, load, status, time): one row for
    each purpose that an answer says something about. -#}
{% macro unpivot_consents(relation) -%}
    {%- for purpose in ['analytics', 'personalization', 'advertising'] %}
    select
        compact_identifier_key,
        '{{ purpose }}' as purpose,
        source_name,
        load_id,
        {{ purpose }}_consent as consent_status,
        decided_at
    from {{ relation }}
    where
        {{ purpose }}_consent is not null
        and compact_identifier_key is not null
        and decided_at is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
