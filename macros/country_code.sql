{#- A country given as two letters, as an ISO 3166-1 alpha-2 code (`UK` is used for `GB`);
    missing where it is given otherwise: the seed `countries` knows names. -#}
{% macro country_code(expression) -%}
    case
        when upper({{ expression }}) = 'UK' then 'GB'
        when length({{ expression }}) = 2 then upper({{ expression }})
    end
{%- endmacro %}
