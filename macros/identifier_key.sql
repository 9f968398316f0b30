{#- The key of an identifier: SHA-256 of the salt, its type and its normalised value;
    missing where the value is. Two types never share a key. -#}
{% macro identifier_key(identifier_type, expression) -%}
    {%- set types = [
        'anonymous_id', 'ga4_pseudo_id', 'user_id', 'email_hash', 'phone_hash',
        'shopify_customer_id', 'crm_contact_id', 'loyalty_id',
    ] -%}
    {%- if identifier_type not in types -%}
        {{ exceptions.raise_compiler_error(
            "identifier_key: identifier_type is '" ~ identifier_type
            ~ "'; expected one of " ~ types | join(', ')
        ) }}
    {%- endif -%}
    {{ sha256(salt() ~ " || '" ~ identifier_type ~ ":' || " ~ expression) }}
{%- endmacro %}
