{#- Free text (a page's path, a campaign, a product's name) as models may carry it: an
    e-mail address or an international telephone number in it, percent-encoded or not,
    becomes `*`. -#}
{% macro mask_contacts(expression) -%}
    {{ return(adapter.dispatch('mask_contacts', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__mask_contacts(expression) -%}
    {#- Few texts hold any of the signs, and a look for them costs little. -#}
    {%- set edge = '\\s@/?#&=;:,<>"()|' -%}
    {%- set address = '[^' ~ edge ~ ']+(@|%40)[^' ~ edge ~ ']+[.][^' ~ edge ~ ']+' -%}
    {%- set number = '([+]|%2[Bb])[1-9][0-9]{7,14}' -%}
    case
        when
            {{ expression }} like '%@%'
            or {{ expression }} like '%+%'
            or (
                {{ dbt.position("'%'", expression) }} > 0
                and (
                    {{ expression }} like '%!%40%' escape '!'
                    or {{ expression }} like '%!%2_%' escape '!'
                )
            )
            then
                regexp_replace(
                    regexp_replace({{ expression }}, '{{ address }}', '*', 'g'),
                    '{{ number }}',
                    '*',
                    'g'
                )
        else {{ expression }}
    end
{%- endmacro %}
