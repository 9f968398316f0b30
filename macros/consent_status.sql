{#- What the consent categories of a JSON object say about a purpose (var
    `consent_categories`): `denied` where one of the purpose's categories is off, else
    `granted` where one is on, else missing. -#}
{% macro consent_status(expression, purpose) -%}
    {%- set purposes = var('consent_categories') -%}
    {%- if purpose not in purposes or not purposes[purpose] -%}
        {{ exceptions.raise_compiler_error(
            "var 'consent_categories' names no category for purpose '" ~ purpose
            ~ "'; it has: " ~ purposes.keys() | join(', ')
        ) }}
    {%- endif -%}
    {%- set answers = [] -%}
    {%- for category in purposes[purpose] -%}
        {%- if not modules.re.fullmatch("[^\"'\\\\]+", category) -%}
            {{ exceptions.raise_compiler_error(
                "var 'consent_categories': category " ~ category
                ~ " holds a quote or a backslash"
            ) }}
        {%- endif -%}
        {%- do answers.append(json_text(expression, '"' ~ category ~ '"')) -%}
    {%- endfor -%}
    case
        when
            {% for answer in answers -%}
                {{ 'or ' if not loop.first }}lower({{ answer }}) = 'false'
            {% endfor %}
            then 'denied'
        when
            {% for answer in answers -%}
                {{ 'or ' if not loop.first }}lower({{ answer }}) = 'true'
            {% endfor %}
            then 'granted'
    end
{%- endmacro %}
