"""Clusters: who behaves alike, and whether anything separates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd
from markupsafe import Markup

from orchestration.reporting.answers import Query
from orchestration.reporting.charts import (
    BLUE,
    INK,
    PALETTE,
    VERMILION,
    Chart,
    draw,
    is_narrow,
)
from orchestration.reporting.formats import cell, feature, label, spell
from orchestration.reporting.page import (
    Column,
    Figure,
    Heading,
    Section,
    Table,
    Text,
    nothing_yet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.reporting.answers import Answer
    from orchestration.reporting.page import Block, Shop

PROFILES: Final = Query(
    "cluster_profiles",
    """\
select segment, working_name, n_customers, customer_share_rate, monetary_amount,
    monetary_share_rate, median_monetary_amount, median_n_orders, median_recency_days,
    median_discount_rate, median_mobile_order_rate, is_new, cluster_number
from marts.cluster_profiles
order by n_customers desc, cluster_number""",
)
MODEL: Final = Query(
    "cluster_model",
    """\
select outcome, outcome_code, algorithm_name, n_clusters, n_customers,
    silhouette_score, stability_score, as_of_date, promotion_reason
from marts.cluster_models
where is_current
order by model_id""",
)
CANDIDATES: Final = Query(
    "cluster_candidates",
    """\
select algorithm_name, n_clusters, silhouette_score, stability_score, inertia_score,
    is_elbow, is_chosen, decision
from marts.cluster_candidates
where is_current
order by algorithm_name, n_clusters""",
)
POINTS: Final = Query(
    "cluster_points",
    """\
select cluster_number, first_coordinate, second_coordinate
from marts.cluster_scatter_points
order by point_number""",
)
DRAWN: Final = Query(
    "cluster_points_drawn",
    """\
select count(*) as n_points, min(as_of_date) as as_of_date,
    (select max(variance_rate) from marts.cluster_scatter_axes
        where axis_number = 1) as first_variance_rate,
    (select max(variance_rate) from marts.cluster_scatter_axes
        where axis_number = 2) as second_variance_rate
from marts.cluster_scatter_points
having count(*) > 0""",
)
AXES: Final = Query(
    "cluster_axes",
    """\
select axis_number, feature_name, loading_score
from marts.cluster_scatter_axes
order by axis_number, abs(loading_score) desc, feature_name""",
)
QUERIES: Final = (PROFILES, MODEL, CANDIDATES, POINTS, DRAWN, AXES)

# Features that an axis is named for: those with at least this share of its strongest.
_STRONG: Final = 0.6
_N_STRONG: Final = 3
_N_COLOURS: Final = len(PALETTE)
_SHAPES: Final = ("circle", "triangle-up", "diamond", "square")


def make(answers: Mapping[str, Answer], shop: Shop) -> Section:
    """Make the section."""
    asked = tuple(answers[query.name] for query in QUERIES)
    profiles, model, candidates, points, drawn, axes = asked
    blocks: list[Block] = []
    if not len(profiles):
        blocks.append(
            nothing_yet(
                [profiles],
                "There are no clusters yet: it takes customers who bought within the "
                "trailing window and agree to personalization.",
            )
        )
    else:
        if len(profiles) == 1:
            blocks.append(
                Text(
                    "There is one cluster, everyone: nothing separates these "
                    "customers better than chance would.",
                    kind="empty",
                )
            )
        blocks.append(_profiles(profiles, shop))
        if len(drawn):
            names = _names(profiles, answers["personas"])
            blocks.append(_scatter(points, drawn, axes, profiles, names))
        else:
            blocks.append(
                nothing_yet(
                    [points],
                    "No picture: it takes two customers and two features that vary.",
                )
            )
    blocks.append(Heading("How many clusters, and why"))
    if len(model):
        blocks.append(_reason(model))
    if len(candidates):
        blocks.append(_candidates(candidates))
    else:
        blocks.append(
            nothing_yet(
                [candidates, model],
                "No number of clusters was tried: there are too few customers, or "
                "nothing about them varies.",
            )
        )
    return Section(
        "clusters",
        "Clusters",
        "Customers who buy in the window and agree to personalization, grouped by "
        "what they do. A number, once given to a cluster, stays with it.",
        blocks,
        asked,
    )


def _names(profiles: Answer, personas: Answer) -> dict[int, str]:
    """Name each cluster by its persona, else by its working name."""
    names = dict(
        zip(
            profiles.values("cluster_number"),
            profiles.values("working_name"),
            strict=True,
        )
    )
    if len(personas):
        names |= dict(
            zip(
                personas.values("cluster_number"),
                personas.values("persona_name"),
                strict=True,
            )
        )
    return {
        number: f"{number}  {label(name or 'cluster')}"
        for number, name in names.items()
    }


def _profiles(profiles: Answer, shop: Shop) -> Table:
    return Table(
        profiles,
        [
            Column("segment", "Cluster", "label"),
            Column("working_name", "What sets it apart", "sentence"),
            Column("n_customers", "Customers", "count"),
            Column("monetary_share_rate", "Share of net amount", "rate"),
            Column(
                "median_monetary_amount",
                f"Net amount, {shop.currency}, median",
                "amount",
            ),
            Column("median_n_orders", "Orders, median", "number"),
            Column("median_recency_days", "Days since last purchase, median", "days"),
            Column("is_new", "New", "flag"),
        ],
        "One row per cluster, the largest first; amounts and orders of the trailing "
        "window",
    )


def _scatter(
    points: Answer,
    drawn: Answer,
    axes: Answer,
    profiles: Answer,
    names: Mapping[int, str],
) -> Figure:
    frame = points.frame()
    shown = {
        number: names.get(number, f"{number}")
        for number in sorted(set(frame["cluster_number"]))
    }
    rows = frame.assign(cluster=[shown[n] for n in frame["cluster_number"]])
    centres = rows.groupby("cluster_number", as_index=False)[
        ["first_coordinate", "second_coordinate"]
    ].median()
    centres["text"] = centres["cluster_number"].astype(str)
    ranks = range(len(shown))

    def chart(width: int) -> Chart:
        narrow = is_narrow(width)
        titles = [
            _axis_title(axes, number, n_words=_N_STRONG - narrow) for number in (1, 2)
        ]
        x = alt.X(
            "first_coordinate:Q",
            title=titles[0],
            axis=alt.Axis(labels=False, ticks=False, grid=False),
            scale=alt.Scale(nice=False, zero=False, padding=12),
        )
        y = alt.Y(
            "second_coordinate:Q",
            title=titles[1],
            axis=alt.Axis(labels=False, ticks=False, grid=False),
            scale=alt.Scale(nice=False, zero=False, padding=12),
        )
        colours = [PALETTE[rank % _N_COLOURS] for rank in ranks]
        shapes = [_SHAPES[rank // _N_COLOURS % len(_SHAPES)] for rank in ranks]
        domain = list(shown.values())
        legend = alt.Legend(
            orient="bottom",
            columns=1 if narrow else 3,
            labelLimit=300,
            symbolSize=90,
            symbolOpacity=1,
        )
        dots = (
            alt.Chart(rows)
            .mark_point(filled=True, size=18 if narrow else 26, opacity=0.55)
            .encode(
                x=x,
                y=y,
                color=alt.Color(
                    "cluster:N",
                    title=None,
                    scale=alt.Scale(domain=domain, range=colours),
                    legend=legend,
                ),
                shape=alt.Shape(
                    "cluster:N",
                    title=None,
                    scale=alt.Scale(domain=domain, range=shapes),
                    legend=legend,
                ),
            )
        )
        marks = alt.Chart(centres).encode(x=x, y=y)
        discs = marks.mark_circle(size=380, color="white", opacity=0.92, stroke=INK)
        digits = marks.mark_text(fontSize=12, fontWeight="bold", color=INK).encode(
            text="text:N"
        )
        return alt.layer(dots, discs, digits).properties(
            width=width - 40, height=300 if narrow else 430
        )

    return Figure(
        Markup("{} customers of {} on a plane").format(
            cell(drawn, "n_points", "count"), cell(drawn, "as_of_date", "date")
        ),
        "Scatter of customers on the two directions in which they differ most, a "
        "colour for each cluster, whose number stands at its middle.",
        draw("cluster-scatter", chart),
        [
            Table(
                profiles,
                [
                    Column("cluster_number", "Number", "count"),
                    Column("working_name", "What sets it apart", "sentence"),
                    Column("n_customers", "Customers", "count"),
                ],
                "One row per cluster, with all of its customers",
            ),
            Table(
                axes,
                [
                    Column("axis_number", "Axis", "count"),
                    Column("feature_name", "Feature", "feature"),
                    Column("loading_score", "Loading", "score"),
                ],
                "One row per axis (the first goes across) and feature, the strongest "
                "first",
            ),
        ],
        Markup(
            "Across is the direction in which they differ most ({} of all "
            "differences), up "
            "the next ({}). Who is near is alike; a few far ones are drawn at the edge."
        ).format(
            cell(drawn, "first_variance_rate", "rate"),
            cell(drawn, "second_variance_rate", "rate"),
        ),
    )


def _axis_title(axes: Answer, number: int, *, n_words: int) -> str:
    """Name an axis by the features that are strongest in it."""
    rows = axes.where(axis_number=number)
    strongest = max(abs(axes.value("loading_score", row)) for row in rows)
    words = [
        ("more " if axes.value("loading_score", row) > 0 else "less ")
        + feature(axes.value("feature_name", row)).split(",")[0].lower()
        for row in rows[:n_words]
        if abs(axes.value("loading_score", row)) >= _STRONG * strongest
    ]
    return ", ".join(words) + " →"


def _reason(model: Answer) -> Text:
    said = Markup("{}.").format(cell(model, "outcome", "sentence"))
    said += Markup(" Fitted on {} customers as of {}.").format(
        cell(model, "n_customers", "count"), cell(model, "as_of_date", "date")
    )
    if model.value("promotion_reason") is not None:
        said += Markup(" Why it is in use: {}.").format(
            cell(model, "promotion_reason", "text")
        )
    return Text(said)


def _candidates(candidates: Answer) -> Figure:
    frame = candidates.frame()
    rows = pd.DataFrame(
        {
            "algorithm": [_algorithm(name) for name in frame["algorithm_name"]],
            "n_clusters": frame["n_clusters"],
            "value": frame["silhouette_score"].astype(float),
            "text": [spell(score, "score") for score in frame["silhouette_score"]],
            "is_chosen": frame["is_chosen"],
        }
    )
    rows["description"] = [
        f"{algorithm}, {n_clusters} clusters: silhouette {text}"
        for algorithm, n_clusters, text in zip(
            rows["algorithm"], rows["n_clusters"], rows["text"], strict=True
        )
    ]
    rows = rows[rows["value"].notna()]
    names = list(dict.fromkeys(rows["algorithm"]))

    def chart(width: int) -> Chart:
        base = alt.Chart(rows).encode(
            x=alt.X(
                "n_clusters:O",
                title="Number of clusters",
                axis=alt.Axis(labelAngle=0, grid=False),
            ),
            y=alt.Y(
                "value:Q",
                title="Mean silhouette, at most 1",
                axis=alt.Axis(tickCount=5, format=".2f"),
                scale=alt.Scale(
                    domain=[min(0.0, rows["value"].min()), rows["value"].max() * 1.2],
                    nice=False,
                ),
            ),
        )
        colour = alt.Color(
            "algorithm:N",
            title=None,
            sort=None,
            scale=alt.Scale(domain=names, range=[BLUE, PALETTE[2]]),
            legend=alt.Legend(orient="top") if len(names) > 1 else None,
        )
        # Where both separate alike, the second lets the first be seen.
        dash = alt.StrokeDash(
            "algorithm:N",
            scale=alt.Scale(domain=names, range=[[1, 0], [7, 6]]),
            legend=None,
        )
        chosen = base.transform_filter("datum.is_chosen")
        return alt.layer(
            base.mark_line(strokeWidth=2).encode(color=colour, strokeDash=dash),
            base.mark_point(filled=True, size=50, opacity=1, aria=True).encode(
                color=colour, description="description:N"
            ),
            chosen.mark_point(size=220, strokeWidth=2.5, color=VERMILION),
            chosen.mark_text(
                dy=-18, fontWeight="bold", color=VERMILION, text="chosen", fontSize=12
            ),
        ).properties(width=width - 64, height=220)

    return Figure(
        "How well each number of clusters separates customers",
        "Line of the mean silhouette by number of clusters; the chosen one is ringed.",
        draw("cluster-candidates", chart),
        [
            Table(
                candidates,
                [
                    Column("n_clusters", "Clusters", "count"),
                    Column("algorithm_name", "Algorithm", "label"),
                    Column("silhouette_score", "Mean silhouette", "score"),
                    Column("stability_score", "Stability", "score"),
                    Column("inertia_score", "Inertia", "count"),
                    Column("is_elbow", "Elbow", "flag"),
                    Column("is_chosen", "Chosen", "flag"),
                    Column("decision", "Why", "sentence"),
                ],
                "One row per number of clusters and algorithm that was tried",
            )
        ],
        "The silhouette compares how near customers are to their own cluster and to "
        "the next one: the higher, the clearer; near nothing, there are no clusters.",
    )


def _algorithm(name: str) -> str:
    return {"kmeans": "k-means", "ward": "Ward"}.get(name, label(name))
