{#- An e-mail address as identity compares it, in lower case; missing where the text
    doesn't look like one. The first condition spares what is no address, a shop's own
    id for instance, the rest. -#}
{% macro clean_email(expression) -%}
    {%- set address = 'lower(' ~ clean_id(expression) ~ ')' -%}
    case
        when {{ expression }} like '%@%'
            then case
                when
                    {{ address }} like '%_@_%._%'
                    and {{ address }} not like '% %'
                    and {{ address }} not like '%@%@%'
                    then {{ address }}
            end
    end
{%- endmacro %}
