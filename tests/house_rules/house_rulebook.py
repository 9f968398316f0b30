"""The rules of the house, as data: each with an example and a remedy."""

import house_graph
import house_imputation
import house_python
import house_sql
from house_model import Rule

RULES = (
    Rule(
        id="rooms",
        rule="A model reads only the rooms that its own room may read (CONTRIBUTING).",
        example="a model in marts/core reads stg_python__customer_clusters",
        remedy="move the model to the room that may, or read what the mart publishes",
        check=house_graph.reads_through_its_doors,
    ),
    Rule(
        id="one-source",
        rule="A staging model reads one table of the source its folder is named for.",
        example="stg_pos__order_lines joins source('catalog', 'products')",
        remedy="join in models/intermediate/",
        check=house_graph.reads_one_source,
    ),
    Rule(
        id="imports",
        rule="A Python package imports only what its room may know.",
        example="python_models/clustering/model.py imports duckdb",
        remedy="take a frame as an argument and let orchestration/ read and write",
        check=house_python.imports_stay_in_their_room,
    ),
    Rule(
        id="grain",
        rule="A model's description opens with its grain: “One row per …”.",
        example="description: This table contains orders.",
        remedy="say first what one row is, then what is in it and what is not",
        check=house_graph.description_opens_with_the_grain,
    ),
    Rule(
        id="contract",
        rule="A mart has an enforced contract; its columns are typed and described.",
        example="a column with a name and nothing else",
        remedy="add data_type and description in the folder's __models.yml",
        check=house_graph.mart_is_a_contract,
    ),
    Rule(
        id="key",
        rule="A model's key is tested: unique and not_null, or a unique combination.",
        example="a model with not_null tests only",
        remedy="test the columns that the grain names",
        check=house_graph.has_a_key_test,
    ),
    Rule(
        id="unit-test",
        rule="A model with a window or a case has a unit test.",
        example="int_events_sessionized numbers sessions, and no test sees it",
        remedy="add one to __unit_tests.yml; break the line once to see it fail",
        check=house_graph.window_and_case_are_unit_tested,
    ),
    Rule(
        id="clock",
        rule="No model reads the clock; as_of_date() is the only day there is.",
        example="where ordered_at > current_date - 365",
        remedy="use the as_of_date macro",
        check=house_sql.no_clock,
    ),
    Rule(
        id="engine",
        rule="A model speaks SQL that every engine we aim at understands.",
        example="order_amount::decimal",
        remedy="write the portable form, or one dispatched macro in macros/engine/",
        check=house_sql.no_engine_sql,
    ),
    Rule(
        id="branching",
        rule="A model's only branch is is_incremental().",
        example="{% if target.type == 'duckdb' %}",
        remedy="dispatch by warehouse in a macro; by setting in SQL (case, where)",
        check=house_sql.no_branching,
    ),
    Rule(
        id="threshold",
        rule="A rule segment compares with thresholds, never with a number of its own.",
        example="n_sessions_7d >= 6 as is_engaged",
        remedy="threshold('engaged_min_sessions_7d') and a var, or a threshold in the "
        "rule's YAML line (docs/how-to-add-a-segment.md)",
        check=house_sql.rules_hold_no_numbers,
    ),
    Rule(
        id="imputation",
        rule="A gap is filled by the macro imputed, as the seed imputations declares.",
        example="coalesce(discount_amount, 0) as discount_amount",
        remedy="a line in the seed, imputed(…) in the model, the column in "
        "int_imputable_values",
        check=house_imputation.gaps_are_filled_as_declared,
    ),
    Rule(
        id="model-name",
        rule="A name opens as its room asks: stg_<source>__, int_, snap_, …",
        example="models/intermediate/orders/orders_clean.sql",
        remedy="int_<entities>_<verb>, or the table of names in CONTRIBUTING",
        check=house_graph.model_is_named_for_its_room,
    ),
    Rule(
        id="column-name",
        rule="A mart column's name says its type: _at, _date, is_, n_, _amount, …",
        example="n_orders is a double; order_time is a timestamp",
        remedy="rename or cast; the table of suffixes is in CONTRIBUTING",
        check=house_graph.column_is_named_for_its_type,
    ),
    Rule(
        id="yaml",
        rule="One YAML file per folder and kind: _<folder>__models.yml and so on.",
        example="models/marts/core/schema.yml",
        remedy="move the entry to the folder's file for its kind",
        check=house_graph.yaml_is_one_file_a_folder_and_kind,
    ),
    Rule(
        id="macro-file",
        rule="One macro a file, named like it, which opens with a comment.",
        example="macros/utils.sql with five macros",
        remedy="split the file; implementations for adapters stay beside their macro",
        check=house_graph.one_macro_a_file,
    ),
    Rule(
        id="macro-doc",
        rule="A macro is described in _macros.yml, its arguments in order and typed.",
        example="a macro that only its source explains",
        remedy="add it to _macros.yml: description, arguments with type, description",
        check=house_graph.macro_is_documented,
    ),
)
