"""The asset between staged contacts and the links that identity resolution reads."""

import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration.defs.record_linkage import linkage_config, record_linkage
from orchestration.defs.resources import WarehouseResource
from orchestration.settings import PROJECT_ROOT, load_settings
from orchestration.warehouse import Warehouse
from python_models.record_linkage import LinkageConfig

SOURCES = PROJECT_ROOT / "models/staging/linkage/_linkage__sources.yml"
STAGED = """
    create table staging.stg_crm__contacts (
        load_id bigint, record_number bigint, crm_contact_id varchar,
        first_name varchar, last_name varchar, birth_date date, gender varchar,
        street_address varchar, postcode varchar, city varchar
    )
"""
CLASSIFIED = """
    create table intermediate.int_crm_contacts_classified (
        load_id bigint, record_number bigint, crm_contact_id varchar,
        country_code varchar, record_status varchar
    )
"""
ANNA = ("Anna", "Brandt", "1980-05-17", "f", "Lindenallee 12", "50667", "Koeln")
SWAPPED = ("Brandt", "Anna", *ANNA[2:])
OTTO = ("Otto", "Zander", "1951-01-02", "m", "Ostwall 1", "10115", "Berlin")
# Of b only the second version counts, and the rejected record doesn't. The id of b is
# an e-mail address, which stands for itself in staging only.
ROWS = (
    (1, 1, "a", *ANNA, "a", "DE", "accepted"),
    (1, 2, "b@example.com", *OTTO, "key of b", "DE", "duplicate"),
    (1, 3, "c", *OTTO, "c", "DE", "accepted"),
    (2, 1, "b@example.com", *SWAPPED, "key of b", "DE", "accepted"),
    (2, 2, None, *ANNA, None, "DE", "rejected"),
)


@pytest.fixture
def warehouse(tmp_path, monkeypatch) -> Warehouse:
    """Contacts as staging has them, and a pair of former days."""
    monkeypatch.setenv("SEGMENTARY_STATE", str(tmp_path))
    warehouse = Warehouse(load_settings().warehouse_path)
    columns = yaml.safe_load(SOURCES.read_text())["sources"][0]["tables"][0]["columns"]
    declared = ", ".join(
        f"{column['name']} {column['data_type']}" for column in columns
    )
    with warehouse.write() as connection:
        for schema in ("staging", "intermediate", "linkage"):
            connection.execute(f"create schema {schema}")
        connection.execute(STAGED)
        connection.execute(CLASSIFIED)
        for row in ROWS:
            connection.execute(
                "insert into staging.stg_crm__contacts "
                "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row[:10],
            )
            connection.execute(
                "insert into intermediate.int_crm_contacts_classified "
                "values (?, ?, ?, ?, ?)",
                (*row[:2], *row[10:]),
            )
        connection.execute(f"create table linkage.contact_links ({declared})")
        connection.execute(
            "insert into linkage.contact_links (crm_contact_id_left) values ('old')"
        )
    return warehouse


def use_var(folder: Path, monkeypatch, **variable: object) -> None:
    path = folder / "vars.yml"
    path.write_text(yaml.safe_dump({"record_linkage": variable}))
    monkeypatch.setenv("SEGMENTARY_VARS", str(path))


def materialize() -> dict[str, object]:
    result = dg.materialize(
        [record_linkage], resources={"warehouse": WarehouseResource()}
    )
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def links(warehouse: Warehouse) -> list[tuple]:
    with warehouse.read() as connection:
        return connection.execute(
            "select crm_contact_id_left, crm_contact_id_right, is_link, names_level, "
            "birth_date_level, address_level, gender_level, model_version "
            "from linkage.contact_links order by all"
        ).fetchall()


def test_off_as_it_comes_it_empties_its_table_and_says_so(warehouse, capfd):
    metadata = materialize()
    assert links(warehouse) == []
    assert metadata["is_enabled"] is False
    assert metadata["n_pairs"] == metadata["dagster/row_count"] == 0
    assert "not enabled" in capfd.readouterr().err


def test_on_it_scores_the_newest_version_of_each_contact(
    warehouse, tmp_path, monkeypatch
):
    # With three contacts there is little to learn from: the prior is said.
    use_var(tmp_path, monkeypatch, enabled=True, threshold=0.5, prior=0.3)
    metadata = materialize()
    version = metadata["model_version"]
    found = ("swapped", "same", "same", "same")
    assert links(warehouse) == [("a", "key of b", True, *found, version)]
    counts = {name: metadata[f"n_{name}"] for name in ("contacts", "pairs", "links")}
    assert counts == {"contacts": 3, "pairs": 1, "links": 1}
    with warehouse.read() as connection:
        (scores,) = connection.execute(
            "select match_probability, match_weight from linkage.contact_links"
        ).fetchall()
    assert 0.5 < scores[0] <= 1
    assert scores[1] > 0


def test_what_is_not_compared_is_missing(warehouse, tmp_path, monkeypatch):
    use_var(
        tmp_path,
        monkeypatch,
        enabled=True,
        comparisons=["names", "birth_date"],
        blocking_rules=[["birth_date"], ["postcode", "last_name"]],
    )
    materialize()
    ((*_, address, gender, _),) = links(warehouse)
    assert (address, gender) == (None, None)


def test_a_write_that_fails_leaves_the_former_pairs(warehouse, tmp_path, monkeypatch):
    module = sys.modules["orchestration.defs.record_linkage"]

    def fail(connection, relation, _rows) -> None:
        connection.execute(f"delete from {relation}")
        message = "the disk is full"
        raise OSError(message)

    monkeypatch.setattr(module, "replace_rows", fail)
    use_var(tmp_path, monkeypatch, enabled=True)
    with pytest.raises(OSError, match="disk is full"):
        materialize()
    assert [row[0] for row in links(warehouse)] == ["old"]


def test_nothing_personal_leaves_staging(warehouse, tmp_path, monkeypatch, capfd):
    use_var(tmp_path, monkeypatch, enabled=True)
    metadata = materialize()
    logged = capfd.readouterr()
    told = f"{metadata}{logged.out}{logged.err}{links(warehouse)}"
    assert "STEP_SUCCESS" in told
    for value in ("Brandt", "brandt", "lindenallee", "1980-05-17", "b@example.com"):
        assert value not in told


def test_the_project_has_it_off():
    assert load_settings().project_var("record_linkage") == {
        "enabled": False,
        "threshold": LinkageConfig().threshold,
    }


def test_every_setting_can_be_chosen():
    config = linkage_config(
        {
            "enabled": True,
            "threshold": 0.8,
            "blocking_rules": [["birth_date"], ["postcode", "last_name"]],
        }
    )
    assert config == LinkageConfig(
        threshold=0.8, blocking_rules=(("birth_date",), ("postcode", "last_name"))
    )


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (True, "needs `enabled"),
        ({"enabled": "yes"}, "needs `enabled"),
        ({"enabled": True, "treshold": 0.9}, "treshold"),
        ({"enabled": True, "threshold": 2}, "threshold must be"),
        ({"enabled": True, "comparisons": ["names", "birth_date", "email"]}, "email"),
        ({"enabled": True, "blocking_rules": [["phone"]]}, "phone"),
    ],
)
def test_a_wrong_var_fails_with_its_name(variable, message):
    with pytest.raises(dg.Failure) as failure:
        linkage_config(variable)
    assert "record_linkage" in failure.value.description
    assert message in failure.value.description
