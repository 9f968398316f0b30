{#- Hooks that end where further ones lead from their ends. -#}
{% macro follow_hooks(hooks, further_hooks) -%}
    select
        hooks.node_number,
        coalesce(further_hooks.root_number, hooks.root_number) as root_number
    from {{ hooks }} as hooks
    left join {{ further_hooks }} as further_hooks
        on hooks.root_number = further_hooks.node_number
{%- endmacro %}
