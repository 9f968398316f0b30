"""Metrics of the semantic models, answered from the published file.

Belongs here: what MetricFlow needs to know of DuckDB, and the way from names of metrics
to SQL. What a metric is stands beside the models, in YAML; how it becomes SQL, and
which joins would count something twice and are refused, is MetricFlow's business.

The SQL is written for the warehouse that dbt builds. The published file has the same
marts under the same names, so it is opened in the warehouse's place.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from metricflow.engine.metricflow_engine import (
    MetricFlowEngine,
    MetricFlowQueryRequest,
    OutputColumnOrderMode,
)
from metricflow.protocols.sql_client import SqlClient, SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantic_interfaces.implementations.semantic_manifest import (
    PydanticSemanticManifest,
)
from metricflow_semantic_interfaces.naming.keywords import METRIC_TIME_ELEMENT_NAME
from metricflow_semantic_interfaces.type_enums.dimension_type import DimensionType
from metricflow_semantics.errors.error_classes import (
    InvalidQueryException,
    UnknownMetricError,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from orchestration.warehouse import WarehouseMissingError, compose, connect, open_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

# What MetricFlow logs of a query that can't be answered is in its error too.
logging.getLogger("metricflow").setLevel(logging.CRITICAL)
logging.getLogger("metricflow_semantics").setLevel(logging.CRITICAL)


class _DuckDbDialect:
    """The part of a MetricFlow client that writes SQL; we run it ourselves."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@dataclass(frozen=True)
class Metric:
    """One metric that can be asked for.

    Attributes
    ----------
    name
        What a query calls it, and the column that holds it.
    label
        What people call it.
    description
        What it counts or sums, and in which unit.
    group_by
        The dimensions that it may be grouped by. Others would repeat what it counts.
    """

    name: str
    label: str
    description: str
    group_by: tuple[str, ...]


class Metrics:
    """The metrics of a dbt project.

    Parameters
    ----------
    semantic_manifest
        The text of dbt's ``semantic_manifest.json``.
    """

    def __init__(self, semantic_manifest: str) -> None:
        self.manifest = PydanticSemanticManifest.parse_raw(semantic_manifest)
        self._engine = MetricFlowEngine(
            SemanticManifestLookup(self.manifest), cast("SqlClient", _DuckDbDialect())
        )

    def list(self) -> list[Metric]:
        """Describe every metric, by name."""
        return [
            Metric(
                name=metric.name,
                label=metric.label or metric.name,
                description=" ".join((metric.description or "").split()),
                group_by=self._group_by(metric.name),
            )
            for metric in sorted(self.manifest.metrics, key=lambda metric: metric.name)
        ]

    def sql(
        self,
        names: Sequence[str],
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
    ) -> str:
        """Write the statement that answers a question.

        Parameters
        ----------
        names
            Metrics.
        group_by
            Dimensions, such as ``metric_time__month`` or ``customer__rfm_segment``.
        where
            Conditions in MetricFlow's own words, such as
            ``{{ Dimension('customer__country') }} = 'France'``.

        Returns
        -------
        str
            One statement, with a column for each dimension and metric, in this order.

        Raises
        ------
        ValueError
            If there is no such metric or dimension, or grouping by it would count
            something twice; the message says what there is.
        """
        try:
            explained = self._engine.explain(
                MetricFlowQueryRequest.create(
                    metric_names=list(names),
                    group_by_names=list(group_by),
                    where_constraints=list(where) or None,
                    order_by_names=list(group_by) or None,
                    output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
                )
            )
        except (InvalidQueryException, UnknownMetricError) as error:
            raise ValueError(self._refusal(names, group_by, where)) from error
        return str(explained.sql_statement.without_descriptions.sql)

    @contextmanager
    def opened(self, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a published file under the name that the statements know.

        Raises
        ------
        WarehouseMissingError
            If there is no such file.
        """
        if not path.exists():
            message = f"Nothing is published at {path} yet: run `make demo`."
            raise WarehouseMissingError(message)
        quoted = str(path).replace("'", "''")
        name = str(self.manifest.semantic_models[0].node_relation.database)

        def attached() -> duckdb.DuckDBPyConnection:
            connection = connect(":memory:")
            connection.execute(
                compose(f"attach '{quoted}' as $name (read_only)", name=name)
            )
            return connection

        connection = open_whole(path, attached)
        try:
            connection.execute(compose("use $name", name=name))
            yield connection
        finally:
            connection.close()

    def _group_by(self, name: str) -> tuple[str, ...]:
        """List what a metric may be grouped by, and its finest time."""
        return tuple(
            sorted(
                dimension.dunder_name
                for dimension in self._engine.simple_dimensions_for_metrics([name])
                # By way of an order one comes to the same customer.
                if len(dimension.entity_links) <= 1
                and (
                    dimension.type is DimensionType.CATEGORICAL
                    or dimension.name == METRIC_TIME_ELEMENT_NAME
                )
            )
        )

    def _refusal(
        self, names: Sequence[str], group_by: Sequence[str], where: Sequence[str]
    ) -> str:
        """Say why a question has no answer."""
        known = {metric.name: metric for metric in self.list()}
        if unknown := sorted(set(names) - set(known)):
            return f"no metric {', '.join(unknown)}; there are {', '.join(known)}"
        common = set.intersection(*(set(known[name].group_by) for name in names))
        asked = ", ".join([*group_by, *where])
        return (
            f"{', '.join(names)} can't be asked by {asked}: there is no such "
            "dimension, or it would count something more than once. There are "
            f"{', '.join(sorted(common))}; metric_time also by week, month, quarter or "
            "year"
        )
