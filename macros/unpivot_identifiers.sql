{#- Combinations of identifiers as (combination, type, value, key, times), one row for
    each identifier of a combination. `previous_id`, what Segment's `alias` replaces, is a
    device's id. -#}
{% macro unpivot_identifiers(relation) -%}
    {%- for column in [
        'anonymous_id', 'previous_id', 'ga4_pseudo_id', 'user_id', 'email_hash',
        'phone_hash', 'shopify_customer_id', 'crm_contact_id', 'loyalty_id',
    ] %}
    {%- set identifier_type = 'anonymous_id' if column == 'previous_id' else column %}
    select
        combination_key,
        '{{ identifier_type }}' as identifier_type,
        {{ column }} as identifier_value,
        {#- An address or a number was hashed where it left staging. #}
        {{ column if column in ('email_hash', 'phone_hash')
            else identifier_key(identifier_type, column) }} as identifier_key,
        n_records,
        first_seen_at,
        last_seen_at
    from {{ relation }}
    where {{ column }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
