"""Rules about the text of SQL: no clock, no engine's dialect, no branching."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from house_model import Project, Violation

_JINJA = r"\{\{.*?\}\} | \{%.*?%\}"
# A text literal may hold Jinja, which may hold quotes of its own.
_TOKENS = re.compile(
    rf"""
    (?P<comment> \{{\#.*?\#\}} | --[^\n]* | /\*.*?\*/ )
  | (?P<jinja>   {_JINJA} )
  | (?P<text>    '(?: {_JINJA} | [^'] | '' )*' )
    """,
    re.DOTALL | re.VERBOSE,
)
_JINJA_ONLY = re.compile(_JINJA, re.DOTALL | re.VERBOSE)
_JINJA_TEXT = re.compile(r"""'([^'\\]*)'|"([^"\\]*)\"""")
# Its literals are names of relations and settings, not SQL.
_LOADS = re.compile(r"\{\{-?\s*(ref|source|var)\s*\(")


def _blank(text: str) -> str:
    return " " + "\n" * text.count("\n")


def _sql_and_jinja_of(code: str) -> str:
    """Blank out comments and text literals, but not Jinja in these."""

    def replace(token: re.Match[str]) -> str:
        if token.lastgroup == "jinja":
            return token[0]
        if token.lastgroup == "text":
            found = _JINJA_ONLY.findall(token[0])
            return " ".join(found) if found else _blank(token[0])
        return _blank(token[0])

    return _TOKENS.sub(replace, code)


def without_comments(code: str) -> str:
    """Blank out comments, and keep text literals and Jinja."""
    return _TOKENS.sub(
        lambda token: _blank(token[0]) if token.lastgroup == "comment" else token[0],
        code,
    )


def sql_of(code: str) -> str:
    """Give lower-case SQL alone: no comment, no text literal, no Jinja."""
    return _TOKENS.sub(lambda token: _blank(token[0]), code).lower()


def jinja_literals_of(code: str) -> str:
    """Give the text literals inside Jinja in lower case: mostly SQL expressions."""
    texts: list[str] = []
    for jinja in _JINJA_ONLY.findall(_sql_and_jinja_of(code)):
        if not _LOADS.match(jinja):
            texts += [one or two for one, two in _JINJA_TEXT.findall(jinja)]
    return "\n".join(texts).lower()


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


_CLOCK = re.compile(
    r"\b(now\s*\(|current_timestamp|current_date|current_time|get_current_timestamp"
    r"|localtime(?:stamp)?\b|getdate\s*\(|sysdate|today\s*\(|run_started_at"
    r"|modules\.datetime|transaction_timestamp)",
    re.IGNORECASE,
)


def no_clock(project: Project) -> Iterator[Violation]:
    """Yield models, snapshots and macros that read the clock."""
    texts = [
        (node["name"], node["raw_code"]) for node in project.nodes("model", "snapshot")
    ]
    texts += [
        (macro["name"], macro["macro_sql"])
        for macro in project.own("macros")
        if macro["name"] != "as_of_date"
    ]
    for name, code in texts:
        text = _sql_and_jinja_of(code)
        for found in _CLOCK.finditer(text):
            line = _line(text, found.start())
            yield Violation(name, f"line {line} reads the clock: {found[1]}")


class EngineToken(NamedTuple):
    """SQL that not every engine speaks, and what to write instead.

    `is_word` tokens are looked for inside Jinja's text literals too; the others mean
    something else there (a JSON path, a pattern).
    """

    name: str
    pattern: str
    instead: str
    is_word: bool = True


_MACRO = "a dispatched macro in macros/engine/"

ENGINE_TOKENS = (
    EngineToken("qualify", r"\bqualify\b", "a CTE and where"),
    EngineToken("filter (where …)", r"\bfilter\s*\(\s*where\b", "case inside"),
    EngineToken("::", r"::", "cast()"),
    EngineToken("a list or an index", r"\[", _MACRO, is_word=False),
    EngineToken("a struct", r"\{", _MACRO, is_word=False),
    EngineToken("an arrow", r"->", _MACRO, is_word=False),
    EngineToken("//", r"//", "floor(a / b)", is_word=False),
    EngineToken("lambda", r"\blambda\b", _MACRO),
    EngineToken("a file reader", r"\bread_\w+\s*\(", "a landed source"),
    EngineToken("group by all", r"\b(group|order)\s+by\s+all\b", "named columns"),
    EngineToken("a position", r"\b(group|order)\s+by\s+\d", "named columns"),
    EngineToken("regexp_…", r"\bregexp_\w+\s*\(", _MACRO),
    EngineToken("json_…", r"\bjson_\w+\s*\(", _MACRO),
    EngineToken("epoch", r"\bepoch\w*\s*\(", _MACRO),
    EngineToken("strptime", r"\b(try_)?str[pf]time\s*\(", _MACRO),
    EngineToken("a hash function", r"\b(sha\d+|md5|hash)\s*\(", _MACRO),
    EngineToken("try_cast", r"\b(try|safe)_cast\s*\(", "dbt.safe_cast"),
    EngineToken("date_diff", r"\bdate_?(diff|sub)\s*\(", "dbt.datediff"),
    EngineToken("date_add", r"\bdate_?add\s*\(", "dbt.dateadd"),
    EngineToken("date_trunc", r"\b(date_trunc|last_day)\s*\(", "dbt.date_trunc"),
    EngineToken("interval", r"\binterval\b", "dbt.dateadd"),
    EngineToken("string_agg", r"\b(string_agg|listagg|group_concat)\b", "dbt.listagg"),
    EngineToken("bool_or", r"\bbool_(or|and)\s*\(", "dbt.bool_or, max(case …)"),
    EngineToken(
        "a list, map or struct function",
        r"\b((list|array|struct|map)_\w+|list|unnest|flatten|string_split)\s*\(",
        _MACRO,
    ),
    EngineToken("a row generator", r"\b(generate_series|range)\s*\(", _MACRO),
    EngineToken(
        "an aggregate of few engines",
        r"\b(arg_(min|max)|(min|max)_by|first|last|median|mode|quantile\w*|approx_\w+"
        r"|percentile_\w+)\s*\(",
        _MACRO,
    ),
    EngineToken("distinct on", r"\bdistinct\s+on\b", "row_number in a CTE and where"),
    EngineToken("* exclude", r"\*\s*(exclude|except|replace|rename)\b", "columns"),
    EngineToken(
        "a join of few engines",
        r"\b(asof|positional|semi|anti)\s+join\b",
        "left join, exists",
    ),
    EngineToken("if()", r"\b(if|iff|ifnull|nvl)\s*\(", "case, coalesce"),
)


def no_engine_sql(project: Project) -> Iterator[Violation]:
    """Yield models that speak one engine's dialect."""
    for node in project.nodes("model"):
        sql = sql_of(node["raw_code"])
        literals = jinja_literals_of(node["raw_code"])
        for token in ENGINE_TOKENS:
            for found in re.finditer(token.pattern, sql):
                what = f"line {_line(sql, found.start())} has {token.name}"
                yield Violation(node["name"], f"{what}; instead: {token.instead}")
            if token.is_word and re.search(token.pattern, literals):
                what = f"hands {token.name} to a macro; instead: {token.instead}"
                yield Violation(node["name"], what)


_BRANCH = re.compile(r"\{%-?\s*(?:el)?if\s+(.*?)\s*-?%\}", re.DOTALL)
_INLINE = re.compile(r"\{\{.*?\}\}|\{%-?\s*set\b.*?%\}", re.DOTALL)


def no_branching(project: Project) -> Iterator[Violation]:
    """Yield models whose SQL depends on more than `is_incremental()`."""
    for node in project.nodes("model"):
        text = _sql_and_jinja_of(node["raw_code"])
        for found in _BRANCH.finditer(text):
            if not re.fullmatch(r"(not\s+)?is_incremental\(\)", found[1]):
                line = _line(text, found.start())
                yield Violation(node["name"], f"line {line} branches on {found[1]}")
        for found in _INLINE.finditer(text):
            if re.search(r"\bif\b", _JINJA_TEXT.sub("", found[0])):
                line = _line(text, found.start())
                yield Violation(node["name"], f"line {line} branches inside Jinja")


RULE_SEGMENTS = "customer_rule_segments_by_date"
_NUMBERS = re.compile(r"(?:[<>]=?|\bbetween\b)\s*[+-]?[\d.]+|[\d.]+\s*[<>]")


def rules_hold_no_numbers(project: Project) -> Iterator[Violation]:
    """Yield flags of rule segments that compare with a number of their own.

    Equality isn't looked at: `n_orders = 1` is what a one-time buyer is.
    """
    for node in project.nodes("model"):
        if node["name"] != RULE_SEGMENTS:
            continue
        code = sql_of(node["raw_code"])
        start = code.find("final as (")
        for found in _NUMBERS.finditer(code, max(start, 0)):
            line = _line(code, found.start())
            what = f"line {line} compares with a number: {found[0]}"
            yield Violation(node["name"], what)
