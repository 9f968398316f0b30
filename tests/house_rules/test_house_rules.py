"""The house rules hold in this repository, and each sees a violation planted for it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from house_model import Project, Rule
from house_rulebook import RULES
from house_sql import ENGINE_TOKENS, EngineToken

BY_ID = {rule.id: rule for rule in RULES}
Plant = Callable[[dict[str, Any], dict[str, str]], None]


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """Find a node, source, macro or unit test of the straight house by its name."""
    sections = ("nodes", "sources", "macros", "unit_tests")
    for entry in (e for section in sections for e in manifest[section].values()):
        if entry["name"] == name and entry["package_name"] == "straight":
            return entry  # type: ignore[no-any-return]
    raise KeyError(name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_project_keeps_the_rule(project: Project, rule: Rule) -> None:
    found = list(rule.check(project))
    if found:
        pytest.fail(rule.report(found), pytrace=False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_straight_house_breaks_no_rule(straight_house: Project, rule: Rule) -> None:
    assert list(rule.check(straight_house)) == []


@dataclass(frozen=True)
class Planted:
    """A violation: which rule must see it, at which name, saying what."""

    rule: str
    where: str
    what: str
    plant: Plant

    def __str__(self) -> str:
        return f"{self.rule}-{self.where}-{self.what}"


def reads(child: str, parent: str) -> Plant:
    """Let a node read another."""

    def plant(manifest: dict[str, Any], _files: dict[str, str]) -> None:
        parent_id = named(manifest, parent)["unique_id"]
        named(manifest, child)["depends_on"]["nodes"].append(parent_id)

    return plant


def puts(name: str, *path: str, value: object) -> Plant:
    """Put a value somewhere into a node."""

    def plant(manifest: dict[str, Any], _files: dict[str, str]) -> None:
        place = named(manifest, name)
        for step in path[:-1]:
            place = place[step]
        assert path[-1] in place
        place[path[-1]] = value

    return plant


def says(name: str, sql: str) -> Plant:
    """Add a line to a model's SQL."""

    def plant(manifest: dict[str, Any], _files: dict[str, str]) -> None:
        named(manifest, name)["raw_code"] += "\n" + sql

    return plant


def writes(path: str, text: str) -> Plant:
    """Write a file."""

    def plant(_manifest: dict[str, Any], files: dict[str, str]) -> None:
        files[path] = text

    return plant


def drops(section: str, *ids: str) -> Plant:
    """Drop entries whose unique id holds one of some texts."""

    def plant(manifest: dict[str, Any], _files: dict[str, str]) -> None:
        held = manifest[section]
        dropped = [key for key in held if any(text in key for text in ids)]
        assert dropped
        for key in dropped:
            del held[key]

    return plant


def types(column: str, data_type: str) -> Plant:
    """Give a column of the order facts another type."""
    return puts("fct_orders", "columns", column, "data_type", value=data_type)


def adds_column(name: str, data_type: str) -> Plant:
    """Add a described column to the order facts."""
    column = {"name": name, "data_type": data_type, "description": "Text."}

    def plant(manifest: dict[str, Any], _files: dict[str, str]) -> None:
        named(manifest, "fct_orders")["columns"][name] = column

    return plant


def moves(name: str, path: str) -> Plant:
    """Move a node's file."""
    return puts(name, "original_file_path", value=path)


def both(*plants: Plant) -> Plant:
    """Plant several things."""

    def plant(manifest: dict[str, Any], files: dict[str, str]) -> None:
        for one in plants:
            one(manifest, files)

    return plant


def engine(token: str, sql: str) -> Planted:
    """Plant one engine's dialect into the order facts."""
    return Planted("engine", "fct_orders", token, says("fct_orders", sql))


CLOCKS = (
    "now()",
    "NOW ( )",
    "current_timestamp",
    "current_date",
    "get_current_timestamp()",
    "today()",
    "{{ run_started_at }}",
    "cast('{{ run_started_at.strftime('%Y') }}' as date)",
    "{{ dbt.current_timestamp() }}",
    "{{ modules.datetime.datetime.now() }}",
)

DECLARES_NOTE = writes(
    "seeds/imputations.csv",
    "model_name,column_name,method,default_value\nstg_shop__orders,note,default,none\n",
)

PLANTED = (
    # Rooms
    Planted(
        "rooms",
        "fct_orders",
        "marts/core may not read staging/python (stg_python__clusters)",
        reads("fct_orders", "stg_python__clusters"),
    ),
    Planted(
        "rooms",
        "fct_orders",
        "marts/core may not read marts/segments",
        reads("fct_orders", "segment_memberships"),
    ),
    Planted(
        "rooms",
        "fct_orders",
        "marts/core may not read snapshots",
        reads("fct_orders", "snap_segment_memberships"),
    ),
    Planted(
        "rooms",
        "fct_orders",
        "marts/core may not read source (orders)",
        reads("fct_orders", "orders"),
    ),
    Planted(
        "rooms",
        "segment_memberships",
        "marts/segments may not read intermediate",
        reads("segment_memberships", "int_orders_numbered"),
    ),
    Planted(
        "rooms",
        "segment_memberships",
        "marts/segments may not read activation",
        reads("segment_memberships", "act_email__customers"),
    ),
    Planted(
        "rooms",
        "int_orders_numbered",
        "intermediate may not read marts/core",
        reads("int_orders_numbered", "fct_orders"),
    ),
    Planted(
        "rooms",
        "int_orders_numbered",
        "intermediate may not read staging/python",
        reads("int_orders_numbered", "stg_python__clusters"),
    ),
    Planted(
        "rooms",
        "act_email__customers",
        "activation may not read intermediate",
        reads("act_email__customers", "int_orders_numbered"),
    ),
    Planted(
        "rooms",
        "snap_segment_memberships",
        "snapshots may not read marts/core (fct_orders)",
        reads("snap_segment_memberships", "fct_orders"),
    ),
    Planted(
        "rooms",
        "fct_orders",
        "is in no room",
        moves("fct_orders", "models/marts/extra/fct_orders.sql"),
    ),
    Planted(
        "rooms",
        "segment_memberships",
        "marts/quality may not read staging (stg_shop__orders)",
        both(
            moves("segment_memberships", "models/marts/quality/a.sql"),
            reads("segment_memberships", "stg_shop__orders"),
        ),
    ),
    # One source
    Planted(
        "one-source",
        "stg_shop__orders",
        "reads customers, orders",
        reads("stg_shop__orders", "customers"),
    ),
    Planted(
        "one-source",
        "stg_shop__orders",
        "reads int_orders_numbered, orders",
        reads("stg_shop__orders", "int_orders_numbered"),
    ),
    Planted(
        "one-source",
        "stg_shop__orders",
        "reads nothing",
        puts("stg_shop__orders", "depends_on", "nodes", value=[]),
    ),
    Planted(
        "one-source",
        "stg_shop__orders",
        "reads source shop",
        moves("stg_shop__orders", "models/staging/till/stg_till__orders.sql"),
    ),
    # Imports
    *(
        Planted("imports", path, f"line 2 imports {package}", writes(path, text))
        for path, package, text in (
            ("python_models/a.py", "duckdb", "\nimport duckdb.typing"),
            ("python_models/a.py", "dagster", "\nfrom dagster import asset"),
            ("python_models/a.py", "dbt", "\ndef f():  import dbt.cli"),
            ("python_models/a.py", "orchestration", "\nimport orchestration"),
            ("python_models/a/b.py", "demo", "\nimport numpy, demo"),
            ("python_models/a.py", "duckdb", "\nimportlib.import_module('duckdb')"),
            ("orchestration/a.py", "demo", "\nfrom demo.shop import write"),
            ("demo/a.py", "orchestration", "\nimport orchestration.runs"),
            ("demo/a.py", "python_models", "\nfrom python_models import rfm"),
        )
    ),
    # Documentation
    Planted(
        "grain",
        "fct_orders",
        "'This table contains orders.'",
        puts("fct_orders", "description", value="This table contains orders."),
    ),
    Planted(
        "grain",
        "stg_shop__orders",
        "'nothing'",
        puts("stg_shop__orders", "description", value=""),
    ),
    Planted(
        "contract",
        "fct_orders",
        "has no enforced contract",
        puts("fct_orders", "config", "contract", "enforced", value=False),
    ),
    Planted(
        "contract",
        "fct_orders",
        "has no columns in YAML",
        puts("fct_orders", "columns", value={}),
    ),
    Planted(
        "contract",
        "fct_orders.order_id",
        "has no data type",
        puts("fct_orders", "columns", "order_id", "data_type", value=None),
    ),
    Planted(
        "contract",
        "fct_orders.order_id",
        "has no description",
        puts("fct_orders", "columns", "order_id", "description", value=" "),
    ),
    # Tests
    Planted(
        "key",
        "fct_orders",
        "no test proves a key",
        drops("nodes", "test.straight.unique_fct_orders"),
    ),
    Planted(
        "key",
        "fct_orders",
        "no test proves a key",
        drops("nodes", "test.straight.not_null_fct_orders"),
    ),
    Planted(
        "key",
        "int_orders_numbered",
        "no test proves a key",
        drops("nodes", "test.straight.unique_combination"),
    ),
    Planted(
        "unit-test",
        "int_orders_numbered",
        "has a window, no unit test",
        drops("unit_tests", "breaks_ties"),
    ),
    Planted(
        "unit-test",
        "fct_orders",
        "has a window and a case, no unit test",
        says("fct_orders", "SUM(x) OVER (order by y), CASE when a then b end"),
    ),
    # SQL
    *(
        Planted("clock", name, "line 3 reads the clock", says(name, clock))
        for name in ("fct_orders",)
        for clock in CLOCKS
    ),
    Planted(
        "clock",
        "stg_shop__orders",
        "line 3 reads the clock: current_date",
        says("stg_shop__orders", "where ordered_at < current_date"),
    ),
    Planted(
        "clock",
        "clean_text",
        "reads the clock: run_started_at",
        puts("clean_text", "macro_sql", value="{{ run_started_at }}"),
    ),
    *(
        Planted(
            "threshold",
            "customer_rule_segments_by_date",
            f"line 3 compares with a number: {number}",
            both(
                says("fct_orders", f"select a {comparison} as is_b"),
                puts("fct_orders", "name", value="customer_rule_segments_by_date"),
            ),
        )
        for comparison, number in (
            (">= 6", ">= 6"),
            ("> 0.5", "> 0.5"),
            ("between 2 and 3", "between 2"),
            ("is not null and 3 < c", "3 <"),
        )
    ),
    engine("qualify", "qualify row_number() = 1"),
    engine("filter (where …)", "count(*) FILTER (WHERE a)"),
    engine("has ::", "a::varchar"),
    engine("hands :: to a macro", "{{ clean_text('a::varchar') }}"),
    engine("a list or an index", "select ['a']"),
    engine("a list or an index", "select a[1]"),
    engine("a struct", "select {'a': 1}"),
    engine("an arrow", "list_filter(a, x -> x > 1)"),
    engine("an arrow", "record->>'$.a'"),
    engine("lambda", "apply(a, lambda x: x)"),
    engine("a file reader", "from read_csv('a.csv')"),
    engine("a file reader", "from read_json_auto('a')"),
    engine("a file reader", "from read_parquet('a')"),
    engine("group by all", "group by all"),
    engine("a position", "group by 1, 2"),
    engine("regexp_…", "regexp_extract(a, 'b')"),
    engine("json_…", "json_extract(a, '$.b')"),
    engine("epoch", "epoch(a)"),
    engine("epoch", "epoch_ms(a)"),
    engine("strptime", "strptime(a, '%Y')"),
    engine("strptime", "try_strptime(a, '%Y')"),
    engine("a hash function", "sha256(a)"),
    engine("a hash function", "md5(a)"),
    engine("hands a hash function to a macro", '{{ clean_text("md5(a)") }}'),
    engine("try_cast", "try_cast(a as date)"),
    engine("date_diff", "datediff('day', a, b)"),
    engine("date_diff", "date_diff('day', a, b)"),
    engine("date_add", "date_add(a, 1)"),
    engine("date_trunc", "date_trunc('month', a)"),
    engine("interval", "a - interval '1 day'"),
    engine("string_agg", "string_agg(a, ',')"),
    engine("bool_or", "bool_or(a)"),
    engine("a list, map or struct function", "unnest(a)"),
    engine("a list, map or struct function", "list(a)"),
    engine("a list, map or struct function", "array_agg(a)"),
    engine("a row generator", "from generate_series(1, 2)"),
    engine("an aggregate of few engines", "arg_min(a, b)"),
    engine("an aggregate of few engines", "median(a)"),
    engine("distinct on", "select distinct on (a) b"),
    engine("* exclude", "select * exclude (a)"),
    engine("a join of few engines", "asof join b"),
    engine("if()", "ifnull(a, b)"),
    engine("//", "a // b"),
    *(
        Planted("branching", "fct_orders", what, says("fct_orders", sql))
        for what, sql in (
            (
                "line 3 branches on target.type",
                "{% if target.type %}{% endif %}",
            ),
            ("line 3 branches on var('a')", "{%- if var('a') -%}{% endif %}"),
            (
                "branches on is_incremental() and x",
                "{% if is_incremental() and x %}{% endif %}",
            ),
            ("branches on y", "{% if is_incremental() %}{% elif y %}{% endif %}"),
            ("line 3 branches inside Jinja", "{{ 'a' if x else 'b' }}"),
        )
    ),
    # Names
    *(
        Planted("model-name", new, "is no name for", puts(old, "name", value=new))
        for old, new in (
            ("stg_shop__orders", "stg_till__orders"),
            ("stg_shop__orders", "stg_shop_orders"),
            ("stg_shop__orders", "orders"),
            ("stg_python__clusters", "stg_shop__clusters"),
            ("int_orders_numbered", "orders_numbered"),
            ("fct_orders", "int_orders"),
            ("fct_orders", "Orders"),
            ("act_email__customers", "act_letters__customers"),
            ("snap_segment_memberships", "segment_memberships_history"),
        )
    ),
    *(
        Planted("column-name", f"fct_orders.{column}", what, plant)
        for column, what, plant in (
            ("order_id", "is bigint", types("order_id", "bigint")),
            ("order_id", "is uuid", types("order_id", "uuid")),
            ("n_units", "is double", types("n_units", "double")),
            ("is_gift", "is varchar", types("is_gift", "varchar")),
            ("net_amount", "is double", types("net_amount", "double")),
            ("ordered_at", "is date", types("ordered_at", "date")),
            ("first_date", "is timestamp", adds_column("first_date", "timestamp")),
            ("first_day", "says something else", adds_column("first_day", "DATE")),
            ("gift", "says something else", adds_column("gift", "boolean")),
            ("has_tax", "is bigint", adds_column("has_tax", "bigint")),
            ("line_number", "is varchar", adds_column("line_number", "varchar")),
            ("tax_rate", "is varchar", adds_column("tax_rate", "varchar")),
        )
    ),
    # Files
    Planted(
        "yaml",
        "fct_orders",
        "is described models/schema.yml",
        puts("fct_orders", "patch_path", value="straight://models/schema.yml"),
    ),
    Planted(
        "yaml",
        "fct_orders",
        "is described nowhere",
        puts("fct_orders", "patch_path", value=None),
    ),
    Planted(
        "yaml",
        "shop.orders",
        "not in models/staging/shop/_shop__sources.yml",
        moves("orders", "models/staging/shop/_shop__models.yml"),
    ),
    Planted(
        "yaml",
        "int_orders_numbered_breaks_ties",
        "not in models/intermediate/orders/_orders__unit_tests.yml",
        moves("int_orders_numbered_breaks_ties", "models/intermediate/tests.yml"),
    ),
    Planted(
        "yaml",
        "snap_segment_memberships",
        "not in snapshots/_snapshots.yml",
        puts("snap_segment_memberships", "patch_path", value="a://snapshots/a.yml"),
    ),
    Planted(
        "macro-file",
        "as_of_date",
        "is in macros/clean_text.sql",
        moves("as_of_date", "macros/clean_text.sql"),
    ),
    Planted(
        "macro-file",
        "macros/clean_text.sql",
        "doesn't open with a comment",
        writes("macros/clean_text.sql", "{% macro clean_text() %}{% endmacro %}"),
    ),
    Planted(
        "macro-doc",
        "as_of_date",
        "has no description",
        puts("as_of_date", "description", value=""),
    ),
    Planted(
        "macro-doc",
        "as_of_date",
        "has no description in a _macros.yml",
        puts("as_of_date", "patch_path", value="straight://macros/schema.yml"),
    ),
    Planted(
        "macro-doc",
        "clean_text",
        "documents nothing, takes expression, blanks",
        puts("clean_text", "arguments", value=[]),
    ),
    # Imputation
    Planted(
        "imputation",
        "int_orders_numbered",
        "stg_shop__orders.note is filled or counted and not in seeds/imputations.csv",
        says("int_orders_numbered", ", {{ imputed('stg_shop__orders', 'note') }}"),
    ),
    Planted(
        "imputation",
        "int_orders_numbered",
        "stg_shop__orders.units is filled or counted and not in seeds/imputations.csv",
        says(
            "int_orders_numbered",
            "{{ unpivot_imputable('orders', 'stg_shop__orders', ['units']) }}",
        ),
    ),
    Planted(
        "imputation",
        "imputations",
        "stg_shop__orders.note: no model fills it",
        both(
            DECLARES_NOTE,
            says(
                "int_orders_numbered",
                "{{ unpivot_imputable('orders', 'stg_shop__orders', ['note']) }}"
                "-- imputed('stg_shop__orders', 'note')",
            ),
        ),
    ),
    Planted(
        "imputation",
        "imputations",
        "stg_shop__orders.note: nothing counts it",
        both(
            DECLARES_NOTE,
            says("int_orders_numbered", ", {{ imputed('stg_shop__orders', 'note') }}"),
        ),
    ),
    Planted(
        "imputation",
        "stg_shop__orders",
        "fills lower(note) with a literal",
        says("stg_shop__orders", ", coalesce(lower(note), 'none') as kind"),
    ),
    Planted(
        "imputation",
        "int_orders_numbered",
        "fills n_units with a literal",
        says(
            "int_orders_numbered",
            ", cast(coalesce(n_units, 0) as {{ type_amount() }}) as n_units",
        ),
    ),
    Planted(
        "imputation",
        "int_orders_numbered",
        "with a literal",
        says(
            "int_orders_numbered",
            ", coalesce(currency, '{{ var(\"currency\") }}') as currency",
        ),
    ),
    Planted(
        "macro-doc",
        "clean_text(expression)",
        "has no type",
        puts(
            "clean_text",
            "arguments",
            value=[
                {"name": "expression", "type": None, "description": "Text."},
                {"name": "blanks", "type": "list", "description": "Text."},
            ],
        ),
    ),
    Planted(
        "macro-doc",
        "test_unique_combination",
        "has no description",
        puts("test_unique_combination", "description", value=""),
    ),
)


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_the_rule_sees_a_planted_violation(
    straight_house: Project, planted: Planted
) -> None:
    manifest = copy.deepcopy(dict(straight_house.manifest))
    files = dict(straight_house.files)
    planted.plant(manifest, files)
    rule = BY_ID[planted.rule]
    found = list(rule.check(Project(manifest, files)))
    assert {violation.where for violation in found} == {planted.where}
    assert any(planted.what in violation.what for violation in found), found
    assert planted.where in rule.report(found)


def test_quality_looks_behind_core(straight_house: Project) -> None:
    manifest = copy.deepcopy(dict(straight_house.manifest))
    files = dict(straight_house.files)
    moves("segment_memberships", "models/marts/quality/a.sql")(manifest, files)
    moves("stg_shop__orders", "models/staging/landing/a.sql")(manifest, files)
    reads("segment_memberships", "stg_shop__orders")(manifest, files)
    reads("segment_memberships", "int_orders_numbered")(manifest, files)
    assert list(BY_ID["rooms"].check(Project(manifest, files))) == []


def test_a_feature_matrix_is_all_double(straight_house: Project) -> None:
    manifest = copy.deepcopy(dict(straight_house.manifest))
    types("n_units", "double")(manifest, {})
    puts("fct_orders", "name", value="customer_features")(manifest, {})
    assert list(BY_ID["column-name"].check(Project(manifest, {}))) == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {planted.rule for planted in PLANTED} == set(BY_ID)
    assert len(BY_ID) == len(RULES)


@pytest.mark.parametrize("token", ENGINE_TOKENS, ids=lambda token: token.name)
def test_every_engine_token_has_a_planted_violation(token: EngineToken) -> None:
    assert any(planted.what.endswith(token.name) for planted in PLANTED)
