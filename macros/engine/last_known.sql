{#- The last value that isn't missing in a window that ends at the row, as a window
    function without its `over`. -#}
{% macro last_known(expression) -%}
    {{ return(adapter.dispatch('last_known', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__last_known(expression) -%}
    last_value({{ expression }} ignore nulls)
{%- endmacro %}
