{#- A quotient as a double; 0 where the divisor is not positive. -#}
{% macro safe_divide(dividend, divisor) -%}
    case
        when {{ divisor }} > 0
            then cast({{ dividend }} as {{ type_double() }})
                / cast({{ divisor }} as {{ type_double() }})
        else 0
    end
{%- endmacro %}
