{#- The type of money and quantities: exact, so that a sum does not depend on the order
    of its rows. -#}
{% macro type_amount() -%}
    decimal(18, 4)
{%- endmacro %}
