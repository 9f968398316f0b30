{#- A shop's own id as models may carry it: one that is an e-mail address becomes the
    address's key, any other stays as it is. -#}
{% macro pseudonymous_id(expression) -%}
    coalesce(
        {{ identifier_key('email_hash', clean_email(expression)) }},
        {{ expression }}
    )
{%- endmacro %}
