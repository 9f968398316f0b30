{#- Combinations of identifiers as (key, type, value, records, times), one row for each
    identifier of a combination. `previous_id`, what Segment's `alias` replaces, is a
    device's id. -#}
{% macro unpivot_identifiers(relation) -%}
    {%- for column in [
        'anonymous_id', 'previous_id', 'ga4_pseudo_id', 'user_id', 'email_hash',
        'phone_hash', 'shopify_customer_id', 'crm_contact_id', 'loyalty_id',
    ] %}
    {%- set key_column = column.rsplit('_', 1)[0] ~ '_key' %}
    select
        {{ key_column }} as compact_identifier_key,
        '{{ 'anonymous_id' if column == 'previous_id' else column }}'
            as identifier_type,
        {{ column }} as identifier_value,
        n_records,
        first_seen_at,
        last_seen_at
    from {{ relation }}
    where {{ key_column }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
