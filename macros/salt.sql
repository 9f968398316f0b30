{#- The warehouse's one salt. It is read where it is used, so that no compiled SQL, log
    or manifest ever holds it. -#}
{% macro salt() -%}
    (select max(salts.salt) from {{ ref('stg_landing__identifier_salts') }} as salts)
{%- endmacro %}
