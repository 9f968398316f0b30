"""Record linkage on Febrl's data sets 1 and 2, whose truth is in their record ids.

The figures in docs/record-linkage.md are compared with what comes out here.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from python_models.record_linkage import LinkageConfig, link_contacts

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SEGMENTARY_TEST_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "record-linkage.md"

pytestmark = pytest.mark.skipif(
    not (DATA / "febrl").is_dir(),
    reason=f"no test data at {DATA / 'febrl'}; set SEGMENTARY_TEST_DATA",
)


class Outcome(NamedTuple):
    n_true_pairs: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def read(number: int) -> pd.DataFrame:
    """Read a data set as contacts; `soc_sec_id` is never looked at."""
    path = DATA / "febrl" / f"dataset{number}.csv.gz"
    records = pd.read_csv(path, dtype=str, skipinitialspace=True).rename(
        columns=str.strip
    )
    address = records[["street_number", "address_1", "address_2"]].fillna("")
    return pd.DataFrame(
        {
            "contact_id": records["rec_id"].str.strip(),
            "first_name": records["given_name"],
            "last_name": records["surname"],
            # Like staging: what is no date is missing.
            "birth_date": pd.to_datetime(
                records["date_of_birth"], format="%Y%m%d", errors="coerce"
            ),
            "street_address": address.agg(" ".join, axis=1),
            "postcode": records["postcode"],
            "city": records["suburb"],
        }
    )


def judge(contacts: pd.DataFrame) -> Outcome:
    """Compare links with the truth: rec-17-org and rec-17-dup-0 are one."""
    person = contacts["contact_id"].str.extract(r"^(rec-\d+)-")[0]
    sizes = person.value_counts()
    n_true_pairs = int((sizes * (sizes - 1) // 2).sum())
    pairs = link_contacts(contacts, config=LinkageConfig()).pairs
    links = pairs[pairs["is_link"]]
    person.index = contacts["contact_id"]
    left = links["contact_id_left"].map(person)
    n_right = int((left == links["contact_id_right"].map(person)).sum())
    return Outcome(n_true_pairs, n_right / len(links), n_right / n_true_pairs)


@pytest.mark.parametrize(("number", "n_true_pairs"), [(1, 500), (2, 1934)])
def test_one_configuration_finds_the_pairs_of_both(number, n_true_pairs):
    outcome = judge(read(number))
    figures = f"{outcome.precision:.3f} | {outcome.recall:.3f} | {outcome.f1:.3f}"
    assert outcome.n_true_pairs == n_true_pairs
    assert outcome.f1 >= 0.95
    # A failure shows the line that the page should have.
    assert f"| {n_true_pairs:,} | {figures} |" in PAGE.read_text(encoding="utf-8")
