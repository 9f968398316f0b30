{#- What is done with people of whom no answer to a purpose is known: the var
    `unknown_<purpose>_consent`. -#}
{% macro unknown_consent_policy(purpose) -%}
    {%- set policies = {
        'analytics': ['by_region', 'allowed', 'withheld'],
        'personalization': ['allowed', 'withheld'],
        'advertising': ['allowed', 'withheld'],
    } -%}
    {%- set policy = var('unknown_' ~ purpose ~ '_consent') -%}
    {%- if policy not in policies[purpose] -%}
        {{ exceptions.raise_compiler_error(
            "var unknown_" ~ purpose ~ "_consent is '" ~ policy ~ "'; expected one of "
            ~ policies[purpose] | join(', ')
        ) }}
    {%- endif -%}
    {{ return(policy) }}
{%- endmacro %}
