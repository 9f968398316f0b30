"""A dbt project as small as can be that keeps every rule.

Violations are planted in copies of it: a rule that doesn't see its own planted one is
no rule.
"""

import textwrap

_UNIT_TEST = """
    unit_tests:
      - name: int_orders_numbered_breaks_ties
        model: int_orders_numbered
        overrides: { macros: { is_incremental: false } }
        given: [{ input: ref('stg_shop__orders'), rows: [] }]
        expect: { rows: [] }
"""

_FILES = {
    "dbt_project.yml": """
        name: straight
        version: "1.0.0"
        config-version: 2
        profile: straight
        test-paths: [tests/dbt]
        models:
          straight:
            marts:
              +contract: { enforced: true }
    """,
    "profiles.yml": """
        straight:
          target: lint
          outputs:
            lint: { type: duckdb, path: ":memory:" }
    """,
    "models/staging/shop/_shop__sources.yml": """
        sources:
          - name: shop
            schema: raw
            tables: [{ name: orders }, { name: customers }]
    """,
    "models/staging/shop/_shop__models.yml": """
        models:
          - name: stg_shop__orders
            description: One row per order.
            columns: [{ name: order_id, data_tests: [unique, not_null] }]
    """,
    "models/staging/shop/stg_shop__orders.sql": """
        select order_id, lower('it''s: now() :: [x]') as note -- a clock: now()
        from {{ source('shop', 'orders') }}
    """,
    "models/staging/python/_python__sources.yml": """
        sources:
          - name: python
            tables: [{ name: clusters }]
    """,
    "models/staging/python/_python__models.yml": """
        models:
          - name: stg_python__clusters
            description: One row per customer.
            columns: [{ name: customer_id, data_tests: [unique, not_null] }]
    """,
    "models/staging/python/stg_python__clusters.sql": """
        select * from {{ source('python', 'clusters') }}
    """,
    "models/intermediate/orders/_orders__models.yml": """
        models:
          - name: int_orders_numbered
            description: One row per order, numbered.
            data_tests:
              - unique_combination:
                  arguments: { columns: [order_id, order_number] }
    """,
    "models/intermediate/orders/_orders__unit_tests.yml": _UNIT_TEST,
    "models/intermediate/orders/int_orders_numbered.sql": """
        {{ config(materialized='incremental') }}
        select
            order_id,
            coalesce(order_id, '-') || coalesce(order_id, '') as label,
            coalesce(lower(note) = 'gift', false) as is_gift,
            {{ clean_text('order_id') }} as note,
            row_number() over (partition by note, coalesce(note, '') order by order_id)
                as order_number
        from {{ ref('stg_shop__orders') }}
        {% if is_incremental() %}
        where order_id > (select max(order_id) from {{ this }})
        {% endif %}
    """,
    "models/marts/core/_core__models.yml": """
        models:
          - name: fct_orders
            description: One row per order.
            columns:
              - name: order_id
                data_type: varchar
                description: The order's id.
                data_tests: [unique, not_null]
              - { name: n_units, data_type: bigint, description: Units. }
              - { name: is_gift, data_type: boolean, description: A gift. }
              - { name: net_amount, data_type: "decimal(18,2)", description: Money. }
              - { name: ordered_at, data_type: timestamp, description: When. }
    """,
    "models/marts/core/fct_orders.sql": """
        select * from {{ ref('int_orders_numbered') }}
        where ordered_at < {{ as_of_date() }}
    """,
    "models/marts/segments/_segments__models.yml": """
        models:
          - name: segment_memberships
            description: One row per customer.
            columns:
              - name: customer_id
                data_type: varchar
                description: The customer.
                data_tests: [unique, not_null]
    """,
    "models/marts/segments/segment_memberships.sql": """
        select * from {{ ref('fct_orders') }}
        left join {{ ref('stg_python__clusters') }} using (customer_id)
    """,
    "models/activation/email/_email__models.yml": """
        models:
          - name: act_email__customers
            description: One row per customer to write to.
            columns: [{ name: customer_id, data_tests: [unique, not_null] }]
    """,
    "models/activation/email/act_email__customers.sql": """
        select * from {{ ref('segment_memberships') }}
    """,
    "snapshots/_snapshots.yml": """
        snapshots:
          - name: snap_segment_memberships
            relation: ref('segment_memberships')
            description: One row per spell.
            config: { unique_key: customer_id, strategy: check, check_cols: all }
    """,
    "macros/_macros.yml": """
        macros:
          - name: as_of_date
            description: The only day there is.
          - name: clean_text
            description: Trims.
            arguments:
              - { name: expression, type: string, description: What to trim. }
              - { name: blanks, type: "list[string]", description: Blanks as missing. }
    """,
    "macros/as_of_date.sql": """
        {#- Why. -#}
        {% macro as_of_date() %}cast('{{ run_started_at }}' as date){% endmacro %}
    """,
    "macros/clean_text.sql": """
        {#- Why. -#}
        {% macro clean_text(expression, blanks=['', 'null']) %}
        {{ adapter.dispatch('clean_text')(expression, blanks) }}
        {% endmacro %}
        {% macro default__clean_text(expression, blanks) %}
        trim({{ expression }})
        {% endmacro %}
    """,
    "tests/dbt/generic/_macros.yml": """
        macros:
          - name: test_unique_combination
            description: Fails on two rows with the same values.
    """,
    "tests/dbt/generic/unique_combination.sql": """
        {#- Why. -#}
        {% test unique_combination(model, columns) %}
        select 1 from {{ model }} group by {{ columns | join(', ') }}
        {% endtest %}
    """,
    "python_models/clustering.py": "import numpy as np\nfrom .duckdb import features\n",
    "orchestration/assets.py": "import dagster\nfrom python_models import clustering\n",
    "demo/shop.py": "import duckdb\n",
}

FILES = {path: textwrap.dedent(text).lstrip("\n") for path, text in _FILES.items()}
