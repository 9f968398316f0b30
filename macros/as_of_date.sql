{#- The as-of date as a date literal. No model reads the clock: the run's own date is
    only the default here. The environment variable comes before the default because,
    unlike a changed var, a changed variable does not make dbt parse the whole project
    again, and a replay changes it month by month; nor any file, since it is read while
    dbt runs, not while it parses. -#}
{% macro as_of_date() -%}
    {%- set given = var('as_of_date') -%}
    {%- if execute and not given -%}
        {%- set given = env_var('SEGMENTARY_AS_OF_DATE', '') -%}
    {%- endif -%}
    {%- if not given -%}
        {%- set zone = modules.pytz.timezone(var('business_time_zone')) -%}
        {%- set given = run_started_at.astimezone(zone).strftime('%Y-%m-%d') -%}
    {%- elif not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', given | string) -%}
        {{ exceptions.raise_compiler_error(
            "as_of_date is '" ~ given ~ "'; expected a date as YYYY-MM-DD"
        ) }}
    {%- endif -%}
    cast('{{ given }}' as date)
{%- endmacro %}
