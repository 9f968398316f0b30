"""How a value is spelled: digits, units, dates, and names of segments."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.reporting.answers import Answer

# Beside a missing value, for readers that speak: a dash says nothing.
UNKNOWN: Final = "–"  # noqa: RUF001 - the dash of a table
_WORDS: Final = {"cant": "can't", "vip": "VIP", "json": "JSON", "csv": "CSV"}


def label(value: str) -> str:
    """Spell a code as a name: `cant_lose_them` is "Can't lose them"."""
    words = [_WORDS.get(word, word) for word in value.replace("_", " ").split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


# Columns of `customer_features`, as people would name them.
FEATURES: Final = {
    "recency_days": "Days since the last purchase",
    "n_orders": "Orders",
    "monetary_amount": "Net amount",
    "average_order_amount": "Average order",
    "units_per_order": "Items an order",
    "n_categories": "Categories bought",
    "discount_rate": "Discount, share of price",
    "refund_rate": "Given back, share of amount",
    "mobile_order_rate": "Orders on the phone, share",
    "n_sessions": "Visits",
    "n_product_views": "Products viewed",
    "tenure_days": "Days known",
}


def feature(name: str) -> str:
    """Name a feature; one that nobody has put into words is its column."""
    return FEATURES.get(name, label(name))


# Sets of segments, as people would name them; a rule is its own name.
SETS: Final = {
    "rfm": "Recency and frequency",
    "lifecycle": "Lifecycle",
    "cluster": "Clusters",
}


def segment_name(value: str) -> str:
    """Name a segment of a set in which one may be in none."""
    return "In none" if value == "none" else label(value)


def _date(value: dt.date) -> str:
    return f"{value.day} {value:%b %Y}"


def _month(value: dt.date) -> str:
    return f"{value:%b %Y}"


def _minus(text: str) -> str:
    """Write a minus sign as one, and none before zero."""
    if re.fullmatch(r"-0(?:\.0+)?%?", text):
        return text[1:]
    return text.replace("-", "−")  # noqa: RUF001 - the minus sign


def _number(places: int) -> Callable[[Any], str]:
    return lambda value: _minus(f"{value:,.{places}f}")


KINDS: Final[dict[str, Callable[[Any], str]]] = {
    "count": _number(0),
    "change": lambda value: _minus(f"{value:+,.0f}"),
    "amount": _number(0),
    "price": _number(2),
    "percent": lambda value: _minus(f"{value:.0%}"),
    "rate": lambda value: _minus(f"{value:.1%}"),
    "number": _number(1),
    "ratio": lambda value: _minus(f"{value:,.2f}") + "×",  # noqa: RUF001 - times
    "score": _number(2),
    "parameter": _number(3),
    "days": _number(0),
    "hour": lambda value: f"{value:02d}:00",
    "date": _date,
    "month": _month,
    "label": label,
    "segment": segment_name,
    "set": lambda value: SETS.get(value, label(value)),
    "feature": feature,
    "sentence": lambda value: value[:1].upper() + value[1:],
    "text": str,
    "flag": lambda value: "yes" if value else "no",
}
_WORDED: Final = {
    "hour",
    "date",
    "month",
    "label",
    "segment",
    "set",
    "feature",
    "sentence",
    "text",
    "flag",
}
NUMERIC: Final = frozenset(KINDS) - _WORDED


def spell(value: Any, kind: str) -> str:  # noqa: ANN401 - any SQL value
    """Spell a value of a kind; a missing one is a dash.

    Raises
    ------
    KeyError
        If there is no such kind.
    """
    return UNKNOWN if value is None else KINDS[kind](value)


def raw(value: Any) -> str:  # noqa: ANN401 - any SQL value
    """Write a value for machines: exact, without units; nothing for a missing one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def cell(answer: Answer, column: str, kind: str, row: int = 0) -> Markup:
    """Show a cell of an answer, in markup that says which cell it is."""
    value = answer.value(column, row)
    return Markup(
        '<data value="{}" data-query="{}" data-row="{}" data-column="{}">{}</data>'
    ).format(raw(value), answer.query.name, row, column, spell(value, kind))
