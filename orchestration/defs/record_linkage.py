"""Links between contacts, between staging and identity resolution.

The one asset that reads behind the core marts. Names and addresses may not go further
than staging, and core itself is made from these links: what Python reads here is never
made from what it writes, so no loop can form. Only ids of contacts come out.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from orchestration.defs.resources import WAREHOUSE_POOL, WarehouseResource
from orchestration.defs.source_tables import source_spec
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse, replace_rows, transaction
from python_models.record_linkage import Linkage, LinkageConfig, link_contacts
from python_models.record_linkage.columns import level_column

CONTACTS_KEYS = (
    dg.AssetKey(["staging", "stg_crm__contacts"]),
    dg.AssetKey(["intermediate", "int_crm_contacts_classified"]),
)
LINKS_KEY = dg.AssetKey(["linkage", "contact_links"])
LINKS_TABLE = "linkage.contact_links"
VARIABLE = "record_linkage"
# Contacts that share an e-mail or a telephone number are linked without this.
_COMPARABLE = ("names", "birth_date", "address", "gender")

# One record of each contact counts, and its id is the one that identity resolution
# knows it by: the classified contacts say which, and an e-mail address that serves as
# an id is a key there.
_CONTACTS = """
    select
        classified.crm_contact_id as contact_id,
        staged.first_name,
        staged.last_name,
        staged.birth_date,
        staged.gender,
        staged.street_address,
        staged.postcode,
        staged.city,
        classified.country_code as country
    from intermediate.int_crm_contacts_classified as classified
    inner join staging.stg_crm__contacts as staged
        using (load_id, record_number)
    where classified.record_status = 'accepted'
    order by contact_id
"""


def keys_before_links(variable: Any) -> list[dg.AssetKey]:  # noqa: ANN401 - a var may hold anything
    """Return what must stand before contacts are linked, as the var says.

    Links that are off read nothing. If they waited for anything all the same, dbt would
    be started once more for what comes before them, which takes seconds.
    """
    is_off = isinstance(variable, dict) and variable.get("enabled", False) is False
    return [] if is_off else list(CONTACTS_KEYS)


@dg.multi_asset(
    specs=[
        source_spec(
            *LINKS_KEY.path,
            group="record_linkage",
            kinds={"python", "duckdb"},
            deps=keys_before_links(load_settings().project_var(VARIABLE)),
        )
    ],
    name="record_linkage",
    pool=WAREHOUSE_POOL,
)
def record_linkage(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Score pairs of contacts that may be one person; off unless the var says so."""
    config = linkage_config(load_settings().project_var(VARIABLE))
    database = warehouse.open()
    metadata: dict[str, Any]
    if config is None:
        _write(database, None)
        context.log.info("the var record_linkage is not enabled: no contacts compared")
        metadata = {"is_enabled": False, "n_contacts": 0, "n_pairs": 0, "n_links": 0}
    else:
        with database.read() as connection:
            contacts = connection.execute(_CONTACTS).df()
        linkage = link_contacts(contacts, config=config)
        _write(database, linkage)
        metadata = {
            "is_enabled": True,
            "n_contacts": linkage.n_contacts,
            "n_pairs": len(linkage.pairs),
            "n_links": int(linkage.pairs["is_link"].sum()),
            "prior_probability": linkage.prior,
            "model_version": linkage.model_version,
        }
    yield dg.MaterializeResult(
        asset_key=LINKS_KEY,
        metadata=metadata | {"dagster/row_count": metadata["n_pairs"]},
    )


def linkage_config(variable: Any) -> LinkageConfig | None:  # noqa: ANN401 - a var may hold anything
    """Read the var `record_linkage`.

    Parameters
    ----------
    variable
        A mapping of `enabled` and fields of `LinkageConfig`.

    Returns
    -------
    LinkageConfig or None
        None while it isn't enabled.

    Raises
    ------
    dagster.Failure
        If the var is no mapping, `enabled` no boolean, or another field unknown or out
        of range.
    """
    settings = dict(variable) if isinstance(variable, dict) else {"enabled": None}
    enabled = settings.pop("enabled", False)
    if not isinstance(enabled, bool):
        message = f"the var {VARIABLE} needs `enabled: true` or `enabled: false`"
        raise dg.Failure(message)
    if not enabled:
        return None
    try:
        config = LinkageConfig(
            **{name: _frozen(value) for name, value in settings.items()}
        )
    except (TypeError, ValueError) as error:
        message = f"the var {VARIABLE}: {error}"
        raise dg.Failure(message) from error
    used = {
        *config.comparisons,
        *(name for rule in config.blocking_rules for name in rule),
    }
    if unread := sorted(used & {"email", "phone"}):
        message = f"the var {VARIABLE}: {', '.join(unread)} can't be compared here"
        raise dg.Failure(message)
    return config


def _frozen(value: Any) -> Any:  # noqa: ANN401 - what YAML gives
    """Turn YAML's lists into tuples, which a configuration is made of."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _write(warehouse: Warehouse, linkage: Linkage | None) -> None:
    """Put the pairs, or none, in the place of all earlier ones in one transaction."""
    if linkage is None and not warehouse.path.exists():
        return
    with warehouse.write() as connection, transaction(connection):
        if linkage is None:
            # A new warehouse has no such table yet; dbt makes it.
            if connection.execute(
                "select 1 from duckdb_tables() "
                "where schema_name || '.' || table_name = ?",
                [LINKS_TABLE],
            ).fetchone():
                connection.execute(f"delete from {LINKS_TABLE}")
        else:
            replace_rows(connection, LINKS_TABLE, _rows(linkage))


def _rows(linkage: Linkage) -> pd.DataFrame:
    """Give the pairs the columns of their table."""
    return pd.DataFrame(
        {
            "crm_contact_id_left": linkage.pairs["contact_id_left"],
            "crm_contact_id_right": linkage.pairs["contact_id_right"],
            "match_probability": linkage.pairs["match_probability"],
            "match_weight": linkage.pairs["match_weight"],
            "is_link": linkage.pairs["is_link"],
            **{
                # What isn't compared is missing.
                column: linkage.pairs.get(column, pd.Series(dtype="str"))
                for column in map(level_column, _COMPARABLE)
            },
            "model_version": linkage.model_version,
        }
    )
