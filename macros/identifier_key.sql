{#- The key of an identifier: SHA-256 of the salt, its type and its normalised value;
    missing where the value is. Two types never share a key. The type is one of those
    below, or the name of a column that holds them; what has left staging as a key is one
    already. -#}
{% macro identifier_key(identifier_type, expression) -%}
    {%- set types = [
        'anonymous_id', 'ga4_pseudo_id', 'user_id', 'email_hash', 'phone_hash',
        'shopify_customer_id', 'crm_contact_id', 'loyalty_id',
    ] -%}
    {%- if identifier_type.split('.')[-1] == 'identifier_type' -%}
        case
            when {{ identifier_type }} in ('email_hash', 'phone_hash')
                then {{ expression }}
            else {{ sha256(
                salt() ~ " || " ~ identifier_type ~ " || ':' || " ~ expression
            ) }}
        end
    {%- elif identifier_type in types -%}
        {{ sha256(salt() ~ " || '" ~ identifier_type ~ ":' || " ~ expression) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "identifier_key: identifier_type is '" ~ identifier_type
            ~ "'; expected one of " ~ types | join(', ')
        ) }}
    {%- endif -%}
{%- endmacro %}
