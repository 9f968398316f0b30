{#- A telephone number in E.164 form, as identity compares it; missing where the text has
    no 8 to 15 digits. A number that doesn't open with `+` or `00` is a national one of
    the calling code; its leading zero, a trunk prefix, is dropped. -#}
{% macro clean_phone(expression, calling_code) -%}
    {%- if not modules.re.fullmatch('[1-9][0-9]{0,2}', calling_code | string) -%}
        {{ exceptions.raise_compiler_error(
            "clean_phone: calling_code is '" ~ calling_code
            ~ "'; expected one to three digits such as '1' or '44'"
        ) }}
    {%- endif -%}
    {%- set digits = digits_of(expression) -%}
    {%- set code = calling_code | string -%}
    {%- set number -%}
        case
            when {{ trim_blanks(expression) }} like '+%' then {{ digits }}
            when {{ digits }} like '00%' then substring({{ digits }}, 3)
            when {{ digits }} like '0%' then '{{ code }}' || substring({{ digits }}, 2)
            {%- if code == '1' %}
            when length({{ digits }}) = 11 and {{ digits }} like '1%' then {{ digits }}
            {%- endif %}
            when {{ digits }} <> '' then '{{ code }}' || {{ digits }}
        end
    {%- endset -%}
    case
        when length({{ number }}) between 8 and 15 then '+' || {{ number }}
    end
{%- endmacro %}
