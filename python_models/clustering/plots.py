"""Charts of a model, for run pages and reports.

No chart carries a customer's id, in its data or in a tooltip.
"""

from dataclasses import dataclass
from typing import Final

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from python_models.charts import INK, Chart, chart_title, with_theme
from python_models.clustering import columns as c
from python_models.clustering.model import ClusterModel
from python_models.clustering.preprocessing import scale_values

# Okabe, M. and Ito, K. (2008). Color universal design: eight colours that people with
# any colour vision can tell apart; black gives way to grey, yellow comes last.
PALETTE: Final = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#666666",
    "#F0E442",
)
_WIDTH: Final = 720
_SAMPLE_SIZE: Final = 2_000
_BAR_STEP: Final = 44
_SHORT_LABEL: Final = 30


def elbow_and_silhouette_chart(model: ClusterModel) -> Chart:
    """Draw what decided between the candidates, by number of clusters.

    Parameters
    ----------
    model : ClusterModel
        A model with its candidates; without any, the chart says why.

    Returns
    -------
    altair chart
        Panels side by side, one line per algorithm: inertia with the elbow, whose chord
        starts at one cluster, silhouette and, where it was measured, stability, with
        the chosen candidate.
    """
    if not model.candidates:
        return _sentence("Numbers of clusters tried: none", model.outcome)
    candidates = model.frames()[c.CLUSTER_CANDIDATES].drop(columns=c.MODEL_ID)
    chosen = candidates[candidates[c.IS_CHOSEN]]
    elbows = candidates[candidates[c.IS_ELBOW]]
    if len(chosen):
        elbows = elbows[elbows[c.ALGORITHM] == chosen[c.ALGORITHM].iloc[0]]
    measured = candidates.dropna(subset=c.STABILITY_SCORE)
    panels = [
        _curve(candidates, elbows.iloc[:1], panel)
        if panel.column == c.INERTIA
        else _curve(candidates, chosen, panel)
        for panel in (_ELBOW, _SILHOUETTE, _STABILITY)
        if panel.column != c.STABILITY_SCORE or len(measured)
    ]
    return _finish(
        alt.hconcat(*panels, spacing=30), f"How many clusters? {_plural(model)}", model
    )


@dataclass(frozen=True)
class _Panel:
    """One panel: what it draws, and its words."""

    column: str
    axis_title: str
    title: str
    mark_text: str
    number_format: str


_ELBOW: Final = _Panel(
    c.INERTIA,
    "Inertia (squared scaled units)",
    "Where does inertia bend?",
    "elbow",
    "~s",
)
_SILHOUETTE: Final = _Panel(
    c.SILHOUETTE_SCORE,
    "Mean silhouette (-1 to 1)",
    "How well separated?",
    "chosen",
    ".2f",
)
_STABILITY: Final = _Panel(
    c.STABILITY_SCORE,
    "Mean adjusted Rand index",
    "Would other samples agree?",
    "chosen",
    ".2f",
)


def _curve(candidates: pd.DataFrame, marked: pd.DataFrame, panel: _Panel) -> Chart:
    column = panel.column
    values = candidates[column].dropna()
    algorithms = sorted(candidates[c.ALGORITHM].unique())
    base = alt.Chart(candidates).encode(
        x=alt.X(
            c.N_CLUSTERS,
            type="ordinal",
            title="Number of clusters",
            axis=alt.Axis(labelAngle=0, grid=False),
        ),
        y=alt.Y(
            column,
            type="quantitative",
            title=panel.axis_title,
            axis=alt.Axis(format=panel.number_format, tickCount=5),
            # Room for the word above the highest point.
            scale=alt.Scale(
                domain=[min(0.0, values.min()), max(values.max() * 1.15, 0.01)],
                nice=False,
            ),
        ),
        color=alt.Color(
            c.ALGORITHM,
            type="nominal",
            title=None,
            scale=alt.Scale(domain=algorithms, range=[PALETTE[0], PALETTE[1]]),
            legend=alt.Legend(orient="bottom", direction="horizontal"),
        ),
        tooltip=[
            alt.Tooltip(c.ALGORITHM, type="nominal", title="Algorithm"),
            alt.Tooltip(c.N_CLUSTERS, type="quantitative", title="Clusters"),
            alt.Tooltip(
                column,
                type="quantitative",
                title=panel.axis_title,
                format=",.4~f",
            ),
            alt.Tooltip(c.DECISION, type="nominal", title="Decision"),
        ],
    )
    line = base.mark_line(strokeWidth=2)
    points = base.mark_point(filled=True, size=40, opacity=1)
    spot = base.properties(data=marked)
    colour = alt.value(PALETTE[5])
    ring = spot.mark_point(filled=True, size=130, opacity=1).encode(color=colour)
    label = spot.mark_text(
        text=panel.mark_text,
        fontSize=13,
        fontWeight="bold",
        # A falling curve leaves room at the upper right, a peak above itself.
        align="left" if column == c.INERTIA else "center",
        dx=8 if column == c.INERTIA else 0,
        dy=-12 if column == c.INERTIA else -16,
    ).encode(color=colour)
    return alt.layer(line, points, ring, label).properties(
        width=200,
        height=230,
        title=alt.TitleParams(
            panel.title, fontSize=13, fontWeight="normal", anchor="start", offset=12
        ),
    )


def cluster_sizes_chart(model: ClusterModel) -> Chart:
    """Draw how many customers each cluster had when the model was fitted.

    Parameters
    ----------
    model : ClusterModel
        Any model.

    Returns
    -------
    altair chart
        One bar per cluster, with number of customers and share.
    """
    total = max(model.n_customers, 1)
    sizes = pd.DataFrame(
        {
            "cluster": _cluster_labels(model),
            "colour": _colours(model),
            c.N_CUSTOMERS: [cluster.n_customers for cluster in model.clusters],
        },
    )
    sizes["share"] = sizes[c.N_CUSTOMERS] / total
    sizes["label"] = [
        f"{size:,} ({share:.0%})"
        for size, share in zip(sizes[c.N_CUSTOMERS], sizes["share"], strict=True)
    ]
    base = alt.Chart(sizes).encode(
        y=alt.Y(
            "cluster:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelLimit=260, ticks=False, domain=False, labelPadding=8),
        ),
        x=alt.X(
            c.N_CUSTOMERS,
            type="quantitative",
            title="Customers",
            axis=alt.Axis(format=",d", tickCount=6, tickMinStep=1),
            # Room for the label of the longest bar.
            scale=alt.Scale(domain=[0, max(1, sizes[c.N_CUSTOMERS].max()) * 1.2]),
        ),
    )
    bars = base.mark_bar(height=24, cornerRadiusEnd=2).encode(
        color=alt.Color("colour:N", scale=None),
        tooltip=[
            alt.Tooltip("cluster:N", title="Cluster"),
            alt.Tooltip(
                c.N_CUSTOMERS,
                type="quantitative",
                title="Customers",
                format=",",
            ),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
        ],
    )
    labels = base.mark_text(align="left", dx=6, fontSize=13, color=INK).encode(
        text="label:N",
    )
    chart = alt.layer(bars, labels).properties(
        width=_WIDTH - 250,
        height=_BAR_STEP * max(len(sizes), 2),
    )
    return _finish(
        chart,
        f"{model.n_customers:,} customers in {_plural(model)}",
        model,
    )


def cluster_scatter_chart(
    features: pd.DataFrame,
    assignments: pd.DataFrame,
    model: ClusterModel,
    *,
    n_customers: int | None = None,
    random_state: int = 0,
) -> Chart:
    """Draw customers on the two directions in which they differ most.

    Parameters
    ----------
    features : pandas.DataFrame, shape (customers, columns)
        `customer_features`, as given to `assign_clusters`, or a sample of them.
    assignments : pandas.DataFrame
        What `assign_clusters` returned for them.
    model : ClusterModel
        The model that assigned.
    n_customers : int, optional
        How many customers there are, where `features` is a sample.
    random_state : int, default 0
        Seed of the sample of 2,000 customers at most.

    Returns
    -------
    altair chart
        Principal components of the scaled features, one colour per cluster, centroids
        numbered. A few customers beyond the 0.5th and 99.5th percentile are drawn at
        the edge. With fewer than two features in use, or nobody, the chart says so.
    """
    axes = model.used_features
    numbers = assignments.set_index(c.CUSTOMER_ID)[c.CLUSTER_NUMBER]
    customers = features.assign(
        **{c.CUSTOMER_ID: features[c.CUSTOMER_ID].astype(str)},
    ).sort_values(c.CUSTOMER_ID)
    customers = customers[customers[c.CUSTOMER_ID].isin(numbers.index)]
    if len(axes) < 2 or len(customers) < 2:  # noqa: PLR2004 - a plane has two axes
        return _sentence(
            "Customers by cluster: nothing to draw",
            f"{len(customers):,} customers, {len(axes)} feature(s) in use",
        )
    points = scale_values(customers, axes)
    generator = np.random.default_rng(random_state)
    sample = generator.permutation(len(points))[:_SAMPLE_SIZE]
    components = PCA(n_components=2, svd_solver="full").fit(points)
    plane = components.transform(points[sample])
    low, high = np.quantile(plane, [0.005, 0.995], axis=0)
    # Centroids must be on the picture, and no range may be empty.
    heads = components.transform(model.centroids)
    low = np.minimum(low, heads.min(axis=0))
    high = np.maximum(high, heads.max(axis=0))
    pad = np.maximum((high - low) * 0.05, 1e-6)
    low, high = low - pad, high + pad
    labels = dict(
        zip(
            (cluster.number for cluster in model.clusters),
            _cluster_labels(model),
            strict=True,
        ),
    )
    cluster_of = numbers.loc[customers[c.CUSTOMER_ID].to_numpy()[sample]]
    data = _plane_frame(plane, low, high).assign(
        cluster=[labels[int(number)] for number in cluster_of],
    )
    shares = components.explained_variance_ratio_
    colour = alt.Color(
        "cluster:N",
        title=None,
        sort=list(labels.values()),
        scale=alt.Scale(domain=list(labels.values()), range=_colours(model)),
        legend=alt.Legend(
            orient="bottom",
            direction="horizontal",
            # Names of three traits need more room.
            columns=3 if max(map(len, labels.values())) <= _SHORT_LABEL else 2,
            labelLimit=340,
            symbolSize=110,
            symbolOpacity=1,
        ),
    )
    x, y = (
        alt.X(
            "x:Q",
            title=f"First principal component ({shares[0]:.0%} of variance)",
            axis=alt.Axis(tickCount=8),
            scale=alt.Scale(domain=[float(low[0]), float(high[0])], nice=False),
        ),
        alt.Y(
            "y:Q",
            title=f"Second principal component ({shares[1]:.0%} of variance)",
            axis=alt.Axis(tickCount=6),
            scale=alt.Scale(domain=[float(low[1]), float(high[1])], nice=False),
        ),
    )
    dots = (
        alt.Chart(data)
        .mark_circle(size=26, opacity=0.55)
        .encode(
            x=x,
            y=y,
            color=colour,
            tooltip=[alt.Tooltip("cluster:N", title="Cluster")],
        )
    )
    centres = _plane_frame(heads, low, high).assign(
        number=[str(cluster.number) for cluster in model.clusters],
    )
    marks = alt.Chart(centres).encode(x=x, y=y)
    discs = marks.mark_circle(size=420, color="white", opacity=0.92).encode(
        stroke=alt.value(INK),
        strokeWidth=alt.value(1.5),
    )
    digits = marks.mark_text(fontSize=13, fontWeight="bold", color=INK).encode(
        text="number:N",
    )
    chart = alt.layer(dots, discs, digits).properties(width=_WIDTH - 60, height=420)
    total = len(points) if n_customers is None else n_customers
    drawn = (
        f"{len(sample):,} of {total:,} customers"
        if len(sample) < total
        else f"{total:,} customers"
    )
    return _finish(chart, f"{drawn} in {_plural(model)}", model)


def _plane_frame(
    points: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> pd.DataFrame:
    inside = np.clip(points, low, high)
    # Three digits draw the same picture and give nobody's features away.
    return pd.DataFrame(np.round(inside, 3), columns=["x", "y"])


def _plural(model: ClusterModel) -> str:
    return f"{model.n_clusters} cluster{'' if model.n_clusters == 1 else 's'}"


def _cluster_labels(model: ClusterModel) -> list[str]:
    return [f"{cluster.number}  {cluster.working_name}" for cluster in model.clusters]


def _colours(model: ClusterModel) -> list[str]:
    """Give each number its own colour from month to month, as far as eight go."""
    taken: list[int] = []
    for cluster in model.clusters:
        colour = (cluster.number - 1) % len(PALETTE)
        if len(taken) < len(PALETTE):
            while colour in taken:
                colour = (colour + 1) % len(PALETTE)
        taken.append(colour)
    return [PALETTE[colour] for colour in taken]


def _sentence(title: str, text: str) -> Chart:
    chart = (
        alt.Chart(pd.DataFrame({"text": [text]}))
        .mark_text(fontSize=14, color=INK, limit=_WIDTH, align="left")
        .encode(text="text:N", x=alt.value(0))
        .properties(width=_WIDTH, height=40, title=chart_title(title, ""))
    )
    return with_theme(chart)


def _finish(chart: Chart, title: str, model: ClusterModel) -> Chart:
    subtitle = f"As of {model.as_of_date.isoformat()}, model {model.model_id}"
    return with_theme(chart.properties(title=chart_title(title, subtitle)))
