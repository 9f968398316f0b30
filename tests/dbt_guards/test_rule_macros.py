"""What macros say of rule segments whose YAML lacks something, without starting dbt."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

MACROS = Path(__file__).parents[2] / "macros"


class CompilerError(Exception):
    """What `exceptions.raise_compiler_error` raises."""


class Returned(Exception):  # noqa: N818 - no error
    """What a macro hands to `return`."""

    def __init__(self, value: Any) -> None:
        self.value = value


def call(
    macro: str,
    *arguments: object,
    rules: dict[str, dict[str, Any]] | None = None,
    dbt_vars: dict[str, Any] | None = None,
) -> Any:
    """Call a macro in a project whose rules have these `meta`."""
    columns = {
        name: SimpleNamespace(
            name=name, data_type="boolean", config=SimpleNamespace(meta=meta)
        )
        for name, meta in (rules or {}).items()
    }
    model = SimpleNamespace(
        resource_type="model", name="customer_rule_segments_by_date", columns=columns
    )

    def raise_compiler_error(message: str) -> None:
        raise CompilerError(message)

    def return_(value: Any) -> None:
        raise Returned(value)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701
    environment.globals |= {
        "exceptions": SimpleNamespace(raise_compiler_error=raise_compiler_error),
        "execute": True,
        "graph": {} if rules is None else {"nodes": {"rules": model}},
        "return": return_,
        "type_double": lambda: "double",
        "var": (dbt_vars or {}).get,
    }
    module = environment.from_string((MACROS / f"{macro}.sql").read_text()).module
    try:
        return getattr(module, macro)(*arguments).strip()
    except Returned as returned:
        return returned.value


def test_rules_come_by_priority() -> None:
    rules = {
        "is_b": {"priority": 20},
        "is_a": {"priority": 70},
        "is_is_c": {"priority": 3},
    }
    found = call("rule_segment_priorities", rules=rules)
    assert found == [("is_c", 3), ("b", 20), ("a", 70)]


@pytest.mark.parametrize("priority", [None, 0, -1, 1.5, "10", True])
def test_a_rule_without_a_priority_is_told_which_line_to_add(priority: object) -> None:
    meta = {} if priority is None else {"priority": priority}
    with pytest.raises(CompilerError) as error:
        call("rule_segment_priorities", rules={"is_a": {"priority": 10}, "is_b": meta})
    assert str(error.value) == (
        f"is_b of customer_rule_segments_by_date has the priority '{priority}'; "
        "expected a whole number from 1 that no other rule has. Add to its entry in "
        "models/marts/segments/_segments__models.yml: "
        "config: { meta: { priority: <number> } }"
    )


def test_two_rules_of_one_priority_are_named() -> None:
    rules = {"is_a": {"priority": 10}, "is_b": {"priority": 10}}
    with pytest.raises(CompilerError, match=r"is_a and is_b of .* both have the prior"):
        call("rule_segment_priorities", rules=rules)


def test_a_threshold_is_the_var_or_what_its_rule_declares() -> None:
    rules = {"is_a": {"thresholds": {"a_min": 2}}, "is_b": {}}
    assert call("threshold_default", "a_min", rules=rules) == "2"
    assert call("threshold_default", "a_min", rules=rules, dbt_vars={"a_min": 3}) == "3"
    # 0 is a value.
    assert call("threshold_default", "a_min", rules=rules, dbt_vars={"a_min": 0}) == "0"
    # A unit test has no graph.
    assert call("threshold_default", "a_min") == "cast(null as double)"


def test_a_threshold_that_nothing_declares_is_named() -> None:
    with pytest.raises(CompilerError) as error:
        call("threshold_default", "b_min", rules={"is_a": {"thresholds": {"a_min": 2}}})
    for part in ("'b_min' has no value", "no rule declares it", "thresholds: { b_min:"):
        assert part in str(error.value)


def test_a_threshold_that_two_rules_declare_is_named() -> None:
    rules = {f"is_{name}": {"thresholds": {"min": 2}} for name in ("a", "b")}
    with pytest.raises(CompilerError, match="is_a and is_b declares it"):
        call("threshold_default", "min", rules=rules)


@pytest.mark.parametrize("value", ["many", True, [1]])
def test_a_threshold_that_is_no_number_is_named(value: object) -> None:
    with pytest.raises(CompilerError, match=r"var a_min is '.*'; expected a number"):
        call("threshold_default", "a_min", rules={}, dbt_vars={"a_min": value})
    rules = {"is_a": {"thresholds": {"a_min": value}}}
    with pytest.raises(CompilerError, match="threshold of is_a, a_min is '"):
        call("threshold_default", "a_min", rules=rules)
