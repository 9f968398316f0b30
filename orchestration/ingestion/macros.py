"""The dbt project's own macros, as SQL for the warehouse, without dbt.

Belongs here: rendering of macros that need nothing but their arguments. What is
normalised and hashed in Python must be what the models normalise and hash, so there is
one text of it, and it is dbt's.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from jinja2 import Environment, StrictUndefined

from orchestration.warehouse import Sql

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[2] / "macros"
# Where the connection keeps the warehouse's salt: see `remember_salt`.
SALT_VARIABLE = "identifier_salt"
_ADAPTERS = ("duckdb", "default")


def macro(name: str, *arguments: str | list[str]) -> Sql:
    """Render a macro for DuckDB.

    Parameters
    ----------
    name
        A macro of the project, one that renders an expression from its arguments.
    *arguments
        What a model would give it; expressions are SQL.

    Returns
    -------
    Sql
        The expression. Where it needs the salt, it reads the connection's variable.

    Raises
    ------
    ValueError
        What the macro itself raises about a wrong argument.
    KeyError
        If the project has no such macro.
    """
    return Sql(_macros()[name](*arguments).strip())


@cache
def _macros() -> dict[str, Callable[..., str]]:
    """Return every macro that stands in a file of its own name, by name."""
    found: dict[str, Callable[..., str]] = {}
    environment = Environment(
        undefined=StrictUndefined,
        extensions=["jinja2.ext.do"],
        autoescape=False,  # noqa: S701 - SQL, not HTML
    )
    # Macros call each other by name, whatever file they stand in.
    paths = [*FOLDER.glob("*.sql"), *FOLDER.glob("engine/*.sql")]
    for path in paths:
        environment.globals[path.stem] = _call(found, path.stem)
    environment.globals |= {
        "adapter": SimpleNamespace(dispatch=lambda name, _: _dispatched(found, name)),
        "dbt": SimpleNamespace(
            hash=lambda text: f"md5(cast({text} as varchar))",
            type_string=lambda: "varchar",
        ),
        "exceptions": SimpleNamespace(raise_compiler_error=_fail),
        "modules": SimpleNamespace(re=re),
        "return": lambda value: value,
    }
    for path in paths:
        # What needs dbt itself (materializations, tests) isn't rendered here.
        module = environment.from_string(path.read_text(encoding="utf-8")).module
        for name in (path.stem, *(f"{kind}__{path.stem}" for kind in _ADAPTERS)):
            if hasattr(module, name):
                found[name] = getattr(module, name)
    # Read once for each connection rather than in every row's expression.
    found["salt"] = lambda: f"getvariable('{SALT_VARIABLE}')"
    return found


def _call(found: dict[str, Callable[..., str]], name: str) -> Callable[..., str]:
    """Call a macro that is found later."""

    def call(*arguments: str | list[str]) -> str:
        return found[name](*arguments)

    return call


def _dispatched(found: dict[str, Callable[..., str]], name: str) -> Callable[..., str]:
    return next(
        found[f"{kind}__{name}"] for kind in _ADAPTERS if f"{kind}__{name}" in found
    )


def _fail(message: str) -> NoReturn:
    raise ValueError(message)


def remember_salt(connection: Any) -> None:  # noqa: ANN401 - DuckDB's connection
    """Give a connection the salt, which what `macro` renders reads."""
    connection.execute(
        f"set variable {SALT_VARIABLE} = (select salt from raw.identifier_salt)"
    )
