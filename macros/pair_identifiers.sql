{#- Combinations of identifiers as pairs (keys, types, records, times), one row for each
    two identifiers of a combination of which one at least is strong. A device is on the
    left, and of two strong types always the same one, so a pair has one order. -#}
{% macro pair_identifiers(relation) -%}
    {%- set devices = ['anonymous_id', 'previous_id', 'ga4_pseudo_id'] -%}
    {%- set strong_ones = [
        'user_id', 'email_hash', 'phone_hash', 'shopify_customer_id', 'crm_contact_id',
        'loyalty_id',
    ] -%}
    {%- set pairs = [] -%}
    {%- for right in strong_ones -%}
        {%- for left in devices + strong_ones[:loop.index0] -%}
            {%- do pairs.append((left, right)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for left, right in pairs %}
    {%- set left_key = left.rsplit('_', 1)[0] ~ '_key' %}
    {%- set right_key = right.rsplit('_', 1)[0] ~ '_key' %}
    select
        {{ left_key }} as left_key,
        {{ right_key }} as right_key,
        '{{ 'anonymous_id' if left == 'previous_id' else left }}' as left_type,
        '{{ right }}' as right_type,
        n_records,
        first_seen_at,
        last_seen_at
    from {{ relation }}
    where {{ left_key }} is not null and {{ right_key }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
