"""What an analyst must know of a mart beside its columns' names and descriptions.

Belongs here: units, keys, where a key leads to, and what metrics are made of, each read
from where the project says it already (names of columns, tests, semantic models), so
that none can contradict the other. How that gets into the published file doesn't.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestration.settings import Settings

# The unit that a column's name tells (CONTRIBUTING), first match wins; `unit` in a
# column's `meta` says it where the name doesn't.
_UNITS = (
    (r"(\w+_)?n_\w+", "count"),
    (r"\w+_amount(_\w+)?", "reporting currency"),
    (r"\w+_days|days_\w+", "days"),
    (r"\w+_seconds", "seconds"),
    (r"\w+_rate", "rate, 1 = 100%"),
    (r"\w+_at", "UTC"),
    (r"\w+_(date|month)", "business time zone"),
)


@dataclass(frozen=True)
class ColumnNote:
    """What is known of a column.

    Attributes
    ----------
    table_name, column_name
        The column.
    unit
        What its values are counted in; None for what is no quantity.
    is_key
        Whether it is the table's key, or a part of it.
    refers_to
        ``table.column`` where its values are found; None where nowhere.
    """

    table_name: str
    column_name: str
    unit: str | None
    is_key: bool
    refers_to: str | None


@dataclass(frozen=True)
class MetricNote:
    """What is known of a metric.

    Attributes
    ----------
    metric_name, metric_label, description
        What a query and what people call it, and what it means.
    expression
        An aggregate of a mart's columns, or other metrics.
    table_name, date_column
        The mart that it is made from, and its column that says when; None for one that
        is made from other metrics.
    """

    metric_name: str
    metric_label: str
    description: str
    expression: str
    table_name: str | None
    date_column: str | None


@dataclass(frozen=True)
class Dictionary:
    """All of it; an empty one says nothing.

    Attributes
    ----------
    columns, metrics
        Notes of both.
    shop_name, reporting_currency, business_time_zone, rfm_window_days
        What amounts, dates and trailing windows are in; None where not told.
    """

    columns: tuple[ColumnNote, ...] = ()
    metrics: tuple[MetricNote, ...] = ()
    shop_name: str | None = None
    reporting_currency: str | None = None
    business_time_zone: str | None = None
    rfm_window_days: int | None = None


def read_dictionary(manifest: Mapping[str, Any], settings: Settings) -> Dictionary:
    """Read what dbt's manifest and the settings tell.

    Parameters
    ----------
    manifest
        dbt's manifest.
    settings
        Where the vars come from.

    Returns
    -------
    Dictionary
        Of every model of the project.
    """
    return Dictionary(
        columns=tuple(_columns(manifest)),
        metrics=tuple(
            sorted(_metrics(manifest), key=lambda metric: metric.metric_name)
        ),
        shop_name=str(settings.project_var("shop_name")),
        reporting_currency=str(settings.project_var("reporting_currency")),
        business_time_zone=str(settings.project_var("business_time_zone")),
        rfm_window_days=int(settings.project_var("rfm_window_days")),
    )


def _columns(manifest: Mapping[str, Any]) -> Iterator[ColumnNote]:
    keys, leads_to = _keys(manifest), _references(manifest)
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] != "model":
            continue
        for name, column in node["columns"].items():
            there = leads_to.get(name)
            yield ColumnNote(
                table_name=node["name"],
                column_name=name,
                unit=_unit(column),
                is_key=name in keys.get(unique_id, ()),
                refers_to=None if there == f"{node['name']}.{name}" else there,
            )


def _unit(column: Mapping[str, Any]) -> str | None:
    """Return the unit that a column says it has, or that its name tells."""
    if told := column["config"]["meta"].get("unit"):
        return str(told)
    return next(
        (unit for name, unit in _UNITS if re.fullmatch(name, column["name"])), None
    )


def _keys(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the columns that tests prove to be a model's key: one alone, if any."""
    alone: dict[str, tuple[str, ...]] = {}
    together: dict[str, tuple[str, ...]] = {}
    for _, model, kind in _tests(manifest):
        columns = kind["kwargs"]
        if kind["name"] == "unique":
            alone[model] = (columns["column_name"],)
        elif kind["name"] in ("unique_combination", "unique_combination_in_groups"):
            together[model] = tuple(columns["columns"])
        elif kind["name"] == "unique_combination_as_in_facts":
            together[model] = (*columns["groups"], "customer_id")
    return together | alone


def _references(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return ``table.column`` by the name of columns that tests find there."""
    found: dict[str, str] = {}
    for test, model, kind in _tests(manifest):
        if kind["name"] == "relationships":
            (there,) = set(test["depends_on"]["nodes"]) - {model}
            table = manifest["nodes"][there]["name"]
            found[kind["kwargs"]["column_name"]] = f"{table}.{kind['kwargs']['field']}"
    return found


def _tests(
    manifest: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """Yield the generic tests of models, with the model and the kind of test."""
    for node in manifest["nodes"].values():
        if node.get("test_metadata") and node["attached_node"]:
            yield node, node["attached_node"], node["test_metadata"]


def _metrics(manifest: Mapping[str, Any]) -> Iterator[MetricNote]:
    models = {model["name"]: model for model in manifest["semantic_models"].values()}
    for metric in manifest["metrics"].values():
        made = metric["type_params"]
        simple = made["metric_aggregation_params"]
        table_name = date_column = None
        if simple:
            expression = f"{simple['agg']}({made['expr']})"
            expression = expression.replace("count_distinct(", "count(distinct ")
            if last := simple["non_additive_dimension"]:
                choice, name = last["window_choice"], last["name"]
                expression += f" at the {choice}({name}) of the period"
            model = models[simple["semantic_model"]]
            table_name = model["node_relation"]["alias"]
            date_column = simple["agg_time_dimension"]
        else:
            expression = f"{made['numerator']['name']} / {made['denominator']['name']}"
        yield MetricNote(
            metric_name=metric["name"],
            metric_label=metric["label"],
            description=" ".join(metric["description"].split()),
            expression=expression,
            table_name=table_name,
            date_column=date_column,
        )
