{#- Text in Unicode's composed form (NFC), so that one id typed two ways is one id. -#}
{% macro normalize_unicode(expression) -%}
    {{ return(adapter.dispatch('normalize_unicode', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__normalize_unicode(expression) -%}
    normalize({{ expression }}, NFC)
{%- endmacro %}

{% macro duckdb__normalize_unicode(expression) -%}
    nfc_normalize({{ expression }})
{%- endmacro %}
