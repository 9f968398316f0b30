"""What clusters cost at a million customers, and what a sample of them is worth.

Five questions, each answered by paired runs in this process, on one thread: silhouettes
of all candidates against scikit-learn's for each; choosing among the candidates, beyond
fitting them; assigning everybody in SQL against predicting and writing back; drift in
SQL against counting in Python; and how far fits on samples are from a fit on everybody.
What is compared is checked to be equal before its time counts. Times are CPU time.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import duckdb
import numpy as np
import pandas as pd
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from orchestration.assignment import ASSIGNMENTS, FEATURES, assign_in_warehouse
from orchestration.drift import DRIFT, FEATURE, measure_drift, read_drift
from orchestration.warehouse import (
    append_rows,
    compose,
    relation_name,
    transaction,
)
from python_models.clustering import (
    ClusteringConfig,
    ClusterModel,
    FeatureSpec,
    fit_clusters,
    fitting,
)
from python_models.clustering.candidates import fit_candidates, refine
from python_models.clustering.config import DEFAULT_FEATURES, KMEANS, WARD
from python_models.clustering.drift import MAX_PSI, population_stability_index
from python_models.clustering.preprocessing import learn_features, scale_values
from python_models.clustering.silhouettes import mean_silhouettes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

DAY = dt.date(2026, 3, 1)
SAMPLE_SIZES = (5_000, 20_000, 100_000)
NUMBERS = range(2, 11)
NAMES = [spec.name for spec in DEFAULT_FEATURES]
N_SILHOUETTES = 10_000


@dataclass(frozen=True)
class Shop:
    """Made-up customers.

    Attributes
    ----------
    name
        What they are.
    frame
        `customer_features`.
    config
        How they are clustered.
    """

    name: str
    frame: pd.DataFrame
    config: ClusteringConfig = field(default_factory=ClusteringConfig)

    def points(self) -> NDArray[np.float64]:
        """Return everybody in scaled units, as a fit sees them."""
        specs = sorted(self.config.features, key=lambda spec: spec.name)
        axes = learn_features(self.frame, specs, self.config.scaler)
        return scale_values(self.frame, axes)


def make_shops(n_customers: int) -> list[Shop]:
    """Make shops with four kinds of customers, with seven that overlap, and with none.

    Returns
    -------
    list of Shop
        Each of all twelve features.
    """
    generator = np.random.default_rng(1)
    # Loyal, lapsed, hunting discounts, and new.
    kind = generator.choice(4, size=n_customers, p=[0.25, 0.35, 0.2, 0.2])

    def pick(*values: float) -> NDArray[np.float64]:
        return np.array(values)[kind]

    def count(*means: float) -> NDArray[np.float64]:
        return generator.poisson(pick(*means)).astype(np.float64)

    n_orders = 1 + count(9.0, 0.1, 3.0, 0.2)
    amount = np.exp(generator.normal(pick(4.4, 3.4, 3.2, 3.6), 0.3))
    kinds = {
        "recency_days": np.ceil(generator.gamma(4.0, pick(5.0, 40.0, 12.0, 4.0))),
        "n_orders": n_orders,
        "monetary_amount": n_orders * amount,
        "average_order_amount": amount,
        "units_per_order": 1 + count(3.0, 1.0, 2.0, 1.0),
        "n_categories": 1 + count(4.0, 0.2, 1.5, 0.5),
        "discount_rate": generator.beta(pick(2, 2, 12, 2), pick(30, 30, 20, 30)),
        "refund_rate": generator.beta(2.0, 30.0, n_customers),
        "mobile_order_rate": generator.beta(pick(3, 3, 20, 6), pick(12, 12, 3, 6)),
        "n_sessions": count(12.0, 0.3, 9.0, 14.0),
        "n_product_views": count(30.0, 0.5, 25.0, 70.0),
        "tenure_days": np.ceil(generator.gamma(6.0, pick(120.0, 70.0, 60.0, 6.0))),
    }
    heap = generator.choice(7, n_customers, p=[0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05])
    noise = generator.standard_normal((n_customers, len(NAMES)))
    heaps = generator.normal(0.0, 1.2, (7, len(NAMES)))[heap] + noise
    common = generator.standard_normal((n_customers, 1))
    plain = ClusteringConfig(features=tuple(FeatureSpec(name) for name in NAMES))
    return [
        Shop("four kinds", _frame(pd.DataFrame(kinds))),
        Shop("seven, overlapping", _frame(pd.DataFrame(heaps, columns=NAMES)), plain),
        Shop(
            "none, correlated",
            _frame(pd.DataFrame(common + 0.6 * noise, columns=NAMES)),
            plain,
        ),
    ]


def _frame(features: pd.DataFrame) -> pd.DataFrame:
    generator = np.random.default_rng(2)
    numbers = generator.permutation(len(features))
    return features.assign(customer_id=[f"{number:032x}" for number in numbers])


def timed(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
    """Call a function; return CPU seconds and what it returned."""
    started = time.process_time()
    result = function(*arguments, **named)
    return time.process_time() - started, result


def compare_silhouettes(points: NDArray[np.float64], n_runs: int) -> tuple[float, ...]:
    """Score nine candidates on 10,000 customers at once, and each by scikit-learn.

    Returns
    -------
    tuple of float
        Median seconds of ours, of scikit-learn's, and the median ratio.

    Raises
    ------
    ValueError
        If the scores differ.
    """
    sample = points[:N_SILHOUETTES]
    labelings = [
        KMeans(k, n_init=1, random_state=0).fit(sample).labels_.astype(np.int64)
        for k in NUMBERS
    ]
    ours, theirs = [], []
    for _ in range(n_runs):
        seconds, scores = timed(mean_silhouettes, sample, labelings)
        ours.append(seconds)
        seconds, expected = timed(
            lambda: [silhouette_score(sample, labels) for labels in labelings]
        )
        theirs.append(seconds)
        if not np.allclose(scores, expected, atol=1e-9, rtol=0.0):
            message = "silhouettes differ from scikit-learn's"
            raise ValueError(message)
    return _medians(ours, theirs)


def choose(
    shop: Shop, n_runs: int, previous: ClusterModel | None = None
) -> tuple[ClusterModel, float, float, float]:
    """Fit a model, and time what isn't a fit of a candidate or of the chosen one.

    Returns
    -------
    model, total, fits, beyond
        Medians of CPU seconds: of it all; of the candidates' fits and the refinement;
        and of the rest, from checking the features to the comparison with `previous`.
    """
    seconds: list[float] = []

    def timed_step(function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:  # noqa: ANN401
            spent, result = timed(function, *arguments)
            seconds.append(spent)
            return result

        return step

    totals, fits = [], []
    for _ in range(n_runs):
        seconds.clear()
        # Bootstrap and reference fits count: only the candidates' own don't.
        with (
            mock.patch.object(fitting, "fit_candidates", timed_step(fit_candidates)),
            mock.patch.object(fitting, "refine", timed_step(refine)),
        ):
            total, model = timed(
                fit_clusters,
                shop.frame,
                as_of_date=DAY,
                config=shop.config,
                previous=previous,
            )
        totals.append(total)
        fits.append(sum(seconds))
    beyond = [total - fit for total, fit in zip(totals, fits, strict=True)]
    medians = map(statistics.median, (totals, fits, beyond))
    return model, *medians


def compare_assignments(
    shop: Shop, model: ClusterModel, n_runs: int, folder: Path
) -> tuple[float, ...]:
    """Assign everybody in SQL, and by reading, predicting and writing back.

    Returns
    -------
    tuple of float
        Median seconds of SQL, of the other, and the median ratio.

    Raises
    ------
    ValueError
        If a label differs.
    """
    path = folder / f"{model.n_clusters}.duckdb"
    ours: list[float] = []
    theirs: list[float] = []
    empty = compose("delete from $relation", relation=relation_name(ASSIGNMENTS))
    with duckdb.connect(path, config={"threads": 1}) as connection:
        _prepare(connection, shop.frame)
        for _ in range(n_runs):
            for times, assign in ((theirs, _predict), (ours, assign_in_warehouse)):
                connection.execute(empty)
                connection.execute("checkpoint")
                started = time.process_time()
                with transaction(connection):
                    assign(connection, model, DAY)
                times.append(time.process_time() - started)
                name = assign.__name__.strip("_")
                connection.execute(
                    compose(
                        "create or replace temp table $name as from $relation",
                        name=name,
                        relation=relation_name(ASSIGNMENTS),
                    )
                )
            differ = connection.execute(
                "select count(*) from predict full join assign_in_warehouse as sql "
                "using (customer_id) where predict.cluster_number "
                "is distinct from sql.cluster_number"
            ).fetchall()[0][0]
            if differ:
                message = f"{differ} labels differ"
                raise ValueError(message)
    return _medians(ours, theirs)


def compare_drift(
    shop: Shop, model: ClusterModel, n_runs: int, folder: Path
) -> tuple[float, ...]:
    """Measure drift in SQL, and by reading everybody and counting in Python.

    Returns
    -------
    tuple of float
        Median seconds of SQL, of the other, and the median ratio.

    Raises
    ------
    ValueError
        If an index differs.
    """
    ours: list[float] = []
    theirs: list[float] = []
    with duckdb.connect(folder / "drift.duckdb", config={"threads": 1}) as connection:
        _prepare(connection, shop.frame)
        assign_in_warehouse(connection, model, DAY)
        for _ in range(n_runs):
            started = time.process_time()
            expected = _count_drift(connection, model)
            theirs.append(time.process_time() - started)
            started = time.process_time()
            measure_drift(connection, model, DAY, max_psi=MAX_PSI)
            ours.append(time.process_time() - started)
            found = {
                each.measure_name: each.psi_score
                for each in read_drift(connection, DAY)
                if each.measure_type == FEATURE
            }
            if not np.allclose([found[name] for name in NAMES], expected, atol=1e-12):
                message = "population stability indexes differ"
                raise ValueError(message)
    return _medians(ours, theirs)


def _count_drift(
    connection: duckdb.DuckDBPyConnection, model: ClusterModel
) -> list[float]:
    frame = connection.execute(
        compose(
            "select $names from $relation where as_of_date = ?",
            names=NAMES,
            relation=relation_name(FEATURES),
        ),
        [DAY],
    ).df()
    indexes = []
    for name in NAMES:
        bins = [each for each in model.bins if each.feature == name]
        bounds = np.array([each.upper_bound for each in bins[:-1]], dtype=np.float64)
        places = np.searchsorted(bounds, frame[name].to_numpy(), side="left")
        counts = np.bincount(places, minlength=len(bins))
        expected = [each.n_customers for each in bins]
        indexes.append(population_stability_index(expected, counts))
    return indexes


def _prepare(connection: duckdb.DuckDBPyConnection, frame: pd.DataFrame) -> None:
    connection.execute("create schema marts")
    connection.execute("create schema python")
    connection.register("frame", frame)
    connection.execute(
        compose(
            "create table $relation as select md5(customer_id) as customer_date_key, "
            "?::date as as_of_date, * from frame",
            relation=relation_name(FEATURES),
        ),
        [DAY],
    )
    connection.unregister("frame")
    connection.execute(
        compose(
            "create table $relation (customer_id varchar, as_of_date date, "
            "model_id varchar, cluster_number bigint, centroid_distance double)",
            relation=relation_name(ASSIGNMENTS),
        )
    )
    connection.execute(
        compose(
            "create table $relation (model_id varchar, as_of_date date, "
            "measure_type varchar, measure_name varchar, psi_score double, "
            "max_psi_score double, n_customers bigint, is_drifted boolean)",
            relation=relation_name(DRIFT),
        )
    )


def _predict(
    connection: duckdb.DuckDBPyConnection, model: ClusterModel, day: dt.date
) -> None:
    """Assign the plain way: features to numpy, the estimator's word, rows back."""
    axes = model.used_features
    columns = connection.execute(
        compose(
            "select customer_id, $names from $relation where as_of_date = ?",
            names=[axis.name for axis in axes],
            relation=relation_name(FEATURES),
        ),
        [day],
    ).df()
    points = np.empty((len(columns), len(axes)))
    for position, axis in enumerate(axes):
        values = columns[axis.name].to_numpy()
        points[:, position] = (axis.transformed(values) - axis.center) / axis.scale
    k_means = KMeans(model.n_clusters, init=model.centroids, n_init=1, max_iter=1)
    k_means.fit(model.centroids)
    k_means.cluster_centers_ = model.centroids
    labels = k_means.predict(points)
    numbers = np.array([cluster.number for cluster in model.clusters])
    append_rows(
        connection,
        ASSIGNMENTS,
        pd.DataFrame(
            {
                "customer_id": columns["customer_id"],
                "as_of_date": pd.Timestamp(day),
                "model_id": model.model_id,
                "cluster_number": numbers[labels],
                "centroid_distance": np.sqrt(
                    ((points - model.centroids[labels]) ** 2).sum(axis=1)
                ),
            }
        ),
    )


def compare_samples(shop: Shop, numbers: list[int], n_runs: int) -> Iterator[str]:
    """Fit on samples, refine on everybody, and compare with a fit on everybody.

    Yields
    ------
    str
        Rows of the table.
    """
    points = shop.points()
    order = np.random.default_rng(3).permutation(len(points))
    for k in numbers:
        spent, everybody = timed(KMeans(k, n_init=10, random_state=0).fit, points)
        for size in SAMPLE_SIZES:
            found = []
            for run in range(n_runs):
                drawn = points[order[run * size : (run + 1) * size]]
                fitted, sample = timed(KMeans(k, n_init=10, random_state=0).fit, drawn)
                labels = sample.predict(points)
                squares = (points - sample.cluster_centers_[labels]) ** 2
                again, refined = timed(
                    KMeans(
                        k, init=sample.cluster_centers_, n_init=1, random_state=0
                    ).fit,
                    points,
                )
                found.append(
                    (
                        adjusted_rand_score(everybody.labels_, labels),
                        squares.sum() / everybody.inertia_,
                        adjusted_rand_score(everybody.labels_, refined.labels_),
                        refined.inertia_ / everybody.inertia_,
                        (fitted + again) / spent,
                    )
                )
            rand, inertia, refined_rand, refined_inertia, share = np.median(
                found, axis=0
            )
            yield (
                f"| {shop.name} | {k} | {size:,} | {rand:.3f} | {inertia:.4f} "
                f"| {refined_rand:.3f} | {refined_inertia:.4f} | {share:.2f} |"
            )


def _medians(ours: list[float], theirs: list[float]) -> tuple[float, ...]:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return tuple(map(statistics.median, (ours, theirs, ratios)))


def report(n_customers: int, n_runs: int, folder: Path) -> Iterator[str]:
    """Measure everything.

    Yields
    ------
    str
        Lines of Markdown, as soon as they are known.
    """
    shops = make_shops(n_customers)
    yield "| silhouettes of k = 2 … 10 on 10,000 customers | s |"
    yield "|---|---:|"
    ours, theirs, ratio = compare_silhouettes(shops[0].points(), n_runs)
    yield f"| scikit-learn, each k | {theirs:.2f} |"
    yield f"| all of one pass of distances, the same scores | {ours:.2f} |"
    yield f"| share | {ratio:.3f} |"
    yield ""
    yield (
        "| customers | clusters found | stability | whole fit s | fits of candidates s "
        "| beyond them s |"
    )
    yield "|---|---:|---:|---:|---:|---:|"
    models = []
    for shop in shops:
        model, *seconds = choose(shop, n_runs)
        models.append(model)
        score = model.stability_score
        cells = [
            shop.name,
            str(model.n_clusters),
            "" if score is None else f"{score:.3f}",
            *(f"{value:.2f}" for value in seconds),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| the same again, with | algorithm | stability | whole fit s | beyond s |"
    yield "|---|---|---:|---:|---:|"
    shop, model = shops[0], models[0]
    only = dataclasses.replace(shop, config=ClusteringConfig(algorithms=(KMEANS,)))
    for what, changed, previous in (
        ("k-means alone", only, None),
        (
            "Ward's method alone",
            dataclasses.replace(shop, config=ClusteringConfig(algorithms=(WARD,))),
            None,
        ),
        ("both, and a previous model", shop, model),
    ):
        again, whole, _, beyond = choose(changed, n_runs, previous)
        score = again.stability_score or 0.0
        yield (
            f"| {what} | {again.algorithm} | {score:.3f} | {whole:.2f} | {beyond:.2f} |"
        )
    yield ""
    yield "| assigning everybody | k | predict, write back s | SQL s | share |"
    yield "|---|---:|---:|---:|---:|"
    many = ClusteringConfig(
        k_min=10,
        k_max=10,
        algorithms=(KMEANS,),
        min_silhouette=-1.0,
        min_stability=-1.0,
        min_gap=0.0,
        min_gap_errors=0.0,
    )
    ten = fit_clusters(shops[0].frame, as_of_date=DAY, config=many)
    for model in (models[0], ten):
        ours, theirs, ratio = compare_assignments(shops[0], model, n_runs, folder)
        yield (
            f"| all labels equal | {model.n_clusters} | {theirs:.2f} | {ours:.2f} "
            f"| {ratio:.2f} |"
        )
    yield ""
    yield "| drift of twelve features and the clusters | s |"
    yield "|---|---:|"
    ours, theirs, ratio = compare_drift(shops[0], models[0], n_runs, folder)
    yield f"| features read, counted in Python | {theirs:.2f} |"
    yield f"| counted in SQL, the same indexes | {ours:.2f} |"
    yield f"| share | {ratio:.2f} |"
    yield ""
    yield (
        "| customers | k | sample | Rand | inertia | refined: Rand | inertia "
        "| share of time |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for shop, model in zip(shops[:2], models[:2], strict=True):
        yield from compare_samples(shop, [model.n_clusters, 10], n_runs)


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="paired runs")
    parser.add_argument("--customers", type=int, default=1_000_000)
    arguments = parser.parse_args()
    sys.stdout.write(
        f"{arguments.customers:,} customers of {len(NAMES)} features; "
        f"{os.cpu_count()} cores, one thread; Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}, scikit-learn {sklearn.__version__}; medians of "
        f"{arguments.runs} paired runs\n\n"
    )
    with (
        threadpool_limits(limits=1),
        tempfile.TemporaryDirectory(prefix="segmentary-bench-") as folder,
    ):
        for line in report(arguments.customers, arguments.runs, Path(folder)):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
