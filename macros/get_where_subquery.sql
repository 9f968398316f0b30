{#- What a generic test reads of its model, in place of dbt's own macro: beside the test's
    `where`, a model whose `meta: changed_by` names a column is read as `changed_rows`
    says. A test of uniqueness reads, for each key that changed, every row that has it,
    so that a new row meets the old one that it repeats. -#}
{% macro default__get_where_subquery(relation) -%}
    {%- set conditions = [] -%}
    {%- if config.get('where') -%}
        {%- do conditions.append('(' ~ config.get('where') ~ ')') -%}
    {%- endif -%}
    {%- set tested = graph.nodes.get(model.attached_node) if execute else none -%}
    {%- set changed_by = tested.config.meta.get('changed_by') if tested else none -%}
    {%- if changed_by and tested_load_id() -%}
        {%- if changed_by is mapping -%}
            {%- set nodes = graph.nodes.values()
                | selectattr('name', 'equalto', changed_by.model) | list -%}
            {%- if nodes | length != 1 -%}
                {{ exceptions.raise_compiler_error(
                    "changed_by of " ~ tested.name ~ ": model is '" ~ changed_by.model
                    ~ "'; expected the name of a model"
                ) }}
            {%- endif -%}
            {%- set changed = changed_rows(
                changed_by.column,
                changed_by.key,
                nodes[0].relation_name,
                changed_by.get('since')
            ) -%}
        {%- else -%}
            {%- set changed = changed_rows(changed_by) -%}
        {%- endif -%}
        {%- set arguments = model.test_metadata.kwargs -%}
        {%- set key = [] -%}
        {%- if model.test_metadata.name == 'unique' -%}
            {%- set key = [arguments.column_name] -%}
        {%- elif model.test_metadata.name in [
            'unique_combination', 'unique_combination_in_groups'
        ] -%}
            {%- set key = arguments.columns -%}
        {%- endif -%}
        {%- if not key or (changed_by is mapping and changed_by.key in key) -%}
            {%- do conditions.append(changed) -%}
        {%- elif changed_by in ['as_of_date', 'dbt_valid_from'] or changed_by in key -%}
            {#- A date's rows meet none but their own. -#}
            {%- do conditions.append(changed) -%}
        {%- elif 'load_id' in key -%}
            {#- Nor do a load's; those that a later load rewrote were tested when they
                came. -#}
            {%- do conditions.append(changed_rows('load_id')) -%}
        {%- else -%}
            {%- set columns = key | join(', ') -%}
            {%- do conditions.append(
                '(' ~ changed ~ ' or (' ~ columns ~ ') in (select ' ~ columns ~ ' from '
                ~ relation ~ ' where ' ~ changed ~ '))'
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if conditions -%}
        {%- do return(
            '(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ')
            ~ ') dbt_subquery'
        ) -%}
    {%- endif -%}
    {%- do return(relation) -%}
{%- endmacro %}
