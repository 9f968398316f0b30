{#- An id as models may carry it: one that is an e-mail address, or a telephone number
    in international form, becomes that address's or number's key; any other stays as it
    is. -#}
{% macro pseudonymous_id(expression) -%}
    {%- set number_parts = "'0123456789 ()-./'" -%}
    case
        when {{ expression }} like '%@%'
            then coalesce(
                {{ identifier_key('email_hash', clean_email(expression)) }},
                {{ expression }}
            )
        when
            {{ expression }} like '+%'
            and translate({{ expression }}, {{ number_parts }}, '') = '+'
            then coalesce(
                {{ identifier_key('phone_hash', clean_phone(expression, '1')) }},
                {{ expression }}
            )
        else {{ expression }}
    end
{%- endmacro %}
