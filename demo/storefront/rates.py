"""Exchange rates of every day, as a bank publishes them: a random walk."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo.storefront.parameters import (
    CURRENCY_CODES,
    FIRST_RATES,
    REPORTING_CURRENCY_CODE,
    Parameters,
)
from demo.storefront.texts import write_records

if TYPE_CHECKING:
    from pathlib import Path

    from demo.files import WrittenFile

DAILY_SPREAD = 0.003


def write_rates(
    landing: Path, seed: np.random.SeedSequence, parameters: Parameters
) -> tuple[list[WrittenFile], dict[str, int]]:
    """Write the dollar's price of one pound and one euro on every day."""
    rng = np.random.default_rng(seed)
    rows = []
    steps = rng.normal(0, DAILY_SPREAD, (parameters.n_days, len(CURRENCY_CODES)))
    rates = np.array(FIRST_RATES) * np.exp(np.cumsum(steps, axis=0))
    for day in range(parameters.n_days):
        date = parameters.first_date + timedelta(day)
        for index, code in enumerate(CURRENCY_CODES):
            if code != REPORTING_CURRENCY_CODE:
                rate = rates[day, index]
                rows.append(f"{date},{code},{REPORTING_CURRENCY_CODE},{rate:.6f}")
    path = landing / "fx" / "rates" / "rates.csv"
    header = "date,from_currency,to_currency,rate"
    written = write_records(path, [pa.array(rows)], len(rows), header)
    return [written], {"landed_lines": len(rows), "accepted": len(rows)}
