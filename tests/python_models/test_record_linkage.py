"""Record linkage on made contacts: who is found, who isn't, and what is promised."""

import datetime as dt
import math
import socket

import pandas as pd
import pytest
from linkage_data import Town, make_town

from python_models.record_linkage import Linkage, LinkageConfig, link_contacts
from python_models.record_linkage import columns as c
from python_models.record_linkage.comparisons import LEVELS, level_names
from python_models.record_linkage.linking import _settle
from python_models.record_linkage.preparation import block_keys, prepare_contacts


@pytest.fixture(scope="module")
def town() -> Town:
    return make_town()


@pytest.fixture(scope="module")
def linkage(town) -> Linkage:
    return link_contacts(town.contacts, config=LinkageConfig())


def found(linkage: Linkage) -> set[tuple[str, str]]:
    links = linkage.pairs[linkage.pairs["is_link"]]
    return set(zip(links["contact_id_left"], links["contact_id_right"], strict=True))


def contact(contact_id: str, **changes: object) -> dict[str, object]:
    return {
        "contact_id": contact_id,
        "first_name": "Anna",
        "last_name": "Brandt",
        "birth_date": dt.date(1980, 5, 17),
        "street_address": "Lindenallee 12",
        "postcode": "50667",
        "city": "Bergheim",
        "country": "DE",
    } | changes


def test_people_who_are_there_twice_are_found(town, linkage):
    assert found(linkage) - town.same - town.moved == set()
    assert len(town.same) == 125
    assert len(found(linkage) & town.same) >= 0.97 * len(town.same)


def test_a_move_alone_rules_nobody_out(town, linkage):
    """624 names for 600 people: with a birth date they are nearly enough."""
    pairs = linkage.pairs.set_index(["contact_id_left", "contact_id_right"])
    scores = pairs.loc[sorted(town.moved), "match_probability"]
    assert len(scores) == 25
    assert scores.min() > 0.5


def test_people_who_live_together_stay_apart(town, linkage):
    assert found(linkage) & town.together == set()
    scored = set(
        zip(
            linkage.pairs["contact_id_left"],
            linkage.pairs["contact_id_right"],
            strict=True,
        )
    )
    assert town.together <= scored


def test_no_weight_of_an_address_makes_two_people_one():
    """With five in a house who share all but first name and birth date."""
    families = [
        contact(
            f"{family:03}-{member}",
            first_name=("Anna", "Bruno", "Carla", "Dmitri", "Elena")[member],
            last_name=f"Family{family * 7919 % 1000:03}",
            birth_date=dt.date(1950, 1, 1)
            + dt.timedelta(days=family * 97 + member * 2803),
            street_address=f"Weg {family * 31}",
            postcode=f"{10000 + family * 541}",
        )
        for family in range(60)
        for member in range(5)
    ]
    contacts = pd.DataFrame(families)
    lenient = LinkageConfig(keep_households_apart=False, prior=0.1, threshold=0.5)
    strict = LinkageConfig(prior=0.1, threshold=0.5)
    assert found(link_contacts(contacts, config=lenient))
    assert not found(link_contacts(contacts, config=strict))


def test_neither_order_nor_a_second_time_changes_anything(town, linkage):
    shuffled = town.contacts.sample(frac=1, random_state=3)
    again = link_contacts(shuffled, config=LinkageConfig())
    pd.testing.assert_frame_equal(again.pairs, linkage.pairs, check_exact=True)
    assert again.model_version == linkage.model_version


def test_the_version_is_that_of_all_that_decides(town, linkage):
    other = link_contacts(town.contacts, config=LinkageConfig(threshold=0.9))
    assert other.model_version != linkage.model_version
    fewer = link_contacts(town.contacts.iloc[1:], config=LinkageConfig())
    assert fewer.model_version != linkage.model_version


def test_every_scored_pair_is_kept_and_weights_are_log_odds(linkage):
    pairs = linkage.pairs
    assert linkage.n_contacts == 900
    assert (pairs["contact_id_left"] < pairs["contact_id_right"]).all()
    assert not pairs.duplicated(["contact_id_left", "contact_id_right"]).any()
    assert (pairs["match_probability"] < 0.01).any()
    for probability, weight in zip(
        pairs["match_probability"], pairs["match_weight"], strict=True
    ):
        if probability < 0.999999:
            odds = probability / (1 - probability)
            assert math.log2(odds) == pytest.approx(weight, abs=1e-6)
    above = linkage.pairs[linkage.pairs["match_probability"] >= 0.5]
    config = LinkageConfig(min_probability=0.5)
    assert len(link_contacts(make_town().contacts, config=config).pairs) == len(above)


PAIRS = (
    ({}, ("same", "same", "same")),
    (
        {"first_name": "Brandt", "last_name": "Anna"},
        ("swapped", "same", "same"),
    ),
    # jaro-winkler of `brandt` and `brnadt`: 0.95; a transposition is one typo.
    ({"last_name": "Brnadt"}, ("similar", "same", "same")),
    ({"last_name": "Zorn"}, ("same first name", "same", "same")),
    ({"first_name": "Otto"}, ("same last name", "same", "same")),
    ({"birth_date": dt.date(1980, 5, 18)}, ("same", "one typo", "same")),
    ({"birth_date": dt.date(1980, 6, 17)}, ("same", "one typo", "same")),
    ({"birth_date": dt.date(1979, 3, 2)}, ("same", "different", "same")),
    ({"birth_date": None}, ("same", "missing", "same")),
    (
        {"street_address": "12 Lindenallee"},
        ("same", "same", "similar street in the same area"),
    ),
    (
        {"postcode": "50676", "city": "Bergheym", "street_address": None},
        ("same", "same", "similar area"),
    ),
    (
        {"street_address": None, "postcode": None, "city": None},
        ("same", "same", "missing"),
    ),
    ({"country": "AT"}, ("same", "same", "other country")),
    # Day and month in the wrong order.
    (
        {"birth_date": dt.date(1980, 12, 3)},
        {"birth_date": dt.date(1980, 3, 12)},
        ("same", "one typo", "same"),
    ),
)


@pytest.fixture(scope="module")
def pairs_of_all_kinds(town) -> pd.DataFrame:
    rows = [
        contact(f"x{number:02}{side}", **changes)
        for number, (*sides, _) in enumerate(PAIRS)
        for side, changes in zip("rl", [*sides, {}][:2], strict=True)
    ]
    contacts = pd.concat([town.contacts, pd.DataFrame(rows)])
    pairs = link_contacts(contacts, config=LinkageConfig(max_sample_pairs=1000)).pairs
    return pairs.set_index(["contact_id_left", "contact_id_right"])


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=lambda n: str(PAIRS[n][:-1]))
def test_what_a_pair_has_in_common_is_named(pairs_of_all_kinds, number):
    pair = pairs_of_all_kinds.loc[(f"x{number:02}l", f"x{number:02}r")]
    found = (pair["names_level"], pair["birth_date_level"], pair["address_level"])
    assert found == PAIRS[number][-1]


@pytest.mark.parametrize(
    "contacts",
    [
        [],
        [contact("a")],
        [
            contact("a"),
            contact(
                "b",
                first_name="Otto",
                last_name="Zander",
                birth_date=None,
                street_address="Ostwall 1",
                postcode="10000",
            ),
        ],
    ],
    ids=["nobody", "one", "strangers"],
)
def test_without_a_pair_there_is_an_empty_frame(contacts):
    frame = pd.DataFrame(contacts, columns=list(contact("a")))
    linkage = link_contacts(frame, config=LinkageConfig())
    assert linkage.n_contacts == len(contacts)
    assert len(linkage.pairs) == 0
    assert linkage.pairs.dtypes.astype(str).to_dict() == dict(c.PAIR_DTYPES) | {
        f"{name}_level": "str" for name in LinkageConfig().comparisons
    }


def test_few_contacts_are_enough():
    contacts = pd.DataFrame(
        [
            contact("a"),
            contact("b", first_name="Ana"),
            contact("c", first_name="Otto", birth_date=dt.date(1950, 1, 1)),
        ]
    )
    linkage = link_contacts(contacts, config=LinkageConfig())
    best = linkage.pairs.sort_values("match_probability").iloc[-1]
    assert (best["contact_id_left"], best["contact_id_right"]) == ("a", "b")
    # Nobody has the same name, so there is nothing to learn of birth dates; the names
    # still count.
    assert best["names_level"] == "similar"
    assert linkage.pairs["match_probability"].between(0, 1).all()


def test_email_and_phone_can_be_compared_too():
    people = make_town(120).contacts.assign(email=None, phone=None)
    # Neither's name or address says so.
    for row, name in ((0, "Ada"), (1, "Zoltan")):
        people.loc[row, ["email", "first_name"]] = ["one@example.com", name]
    config = LinkageConfig(
        comparisons=("names", "birth_date", "address", "email", "phone"),
        blocking_rules=(("email",), ("names",)),
    )
    pairs = link_contacts(people, config=config).pairs
    two = set(people.loc[[0, 1], "contact_id"])
    (level,) = [
        pair["email_level"]
        for pair in pairs.to_dict("records")
        if {pair["contact_id_left"], pair["contact_id_right"]} == two
    ]
    assert level == "same"
    assert set(pairs["phone_level"]) == {"missing"}


def test_spelling_is_evened_out():
    contacts = pd.DataFrame(
        [
            contact(
                "b",
                first_name=" Zo\u00eb ",
                last_name="van der  Berg",
                street_address="H.-Heine-Str. 1a",
                postcode="SW1A 1AA",
                city=None,
            ),
            contact("a", first_name="", last_name="-", postcode=None),
        ]
    )
    prepared = prepare_contacts(contacts, LinkageConfig())
    a, b = prepared.to_dict("records")
    assert (b["first_name"], b["last_name"]) == ("zoe", "vanderberg")
    assert (b["full_name"], b["names"]) == ("zoe vanderberg", "vanderberg zoe")
    assert b["initial"] == "v"
    assert (b["birth_date"], b["birth_date_turned"]) == ("1980-05-17", "1980-17-05")
    assert (b["street"], b["home"]) == ("hheinestr1a", "hheinestr1a sw1a1aa")
    assert b["street_pieces"] == sorted(
        ["hhe", "hei", "ein", "ine", "nes", "est", "str", "tr1", "r1a"]
    )
    assert (a["contact_id"], a["first_name"], a["names"]) == ("a", None, None)
    assert a["home"] == "lindenallee12 bergheim"


def test_what_too_many_share_brings_no_pairs():
    contacts = pd.DataFrame(
        [contact(f"{n}", birth_date=dt.date(1900, 1, 1)) for n in range(3)]
        + [contact("x"), contact("y", last_name=None)]
    )
    config = LinkageConfig(
        blocking_rules=(("birth_date",), ("postcode", "last_name")), max_block_size=2
    )
    dates, places = block_keys(prepare_contacts(contacts, config), config)
    assert dates.tolist() == [None, None, None, "1980-05-17", "1980-05-17"]
    # Four share the place, and one lacks the name.
    assert places.tolist() == [None] * 5


def test_the_share_of_strangers_is_freed_from_matches():
    """By hand: with p = 0.2, m = 0.75 and u = 0.125, a quarter of all pairs agree."""
    levels = [
        {"is_null_level": True},
        {"m_probability": 0.75, "u_probability": 0.2 * 0.75 + 0.8 * 0.125},
        {"m_probability": 0.25, "u_probability": 0.2 * 0.25 + 0.8 * 0.875},
    ]
    learnt = {
        "probability_two_random_records_match": 0.9,
        "comparisons": [{"comparison_levels": levels}],
    }
    _settle(learnt, LinkageConfig(prior=0.2), n_pairs=10**9)
    assert learnt["probability_two_random_records_match"] == 0.2
    assert [level.get("u_probability") for level in levels] == [
        None,
        pytest.approx(0.125),
        pytest.approx(0.875),
    ]


def test_nothing_is_impossible():
    levels = [{"m_probability": 1.0, "u_probability": 1.0}, {"m_probability": 0.0}]
    learnt = {
        "probability_two_random_records_match": 0.0,
        "comparisons": [{"comparison_levels": levels}],
    }
    config = LinkageConfig(min_level_probability=0.01, max_sample_pairs=99)
    _settle(learnt, config, n_pairs=10**6)
    # One pair in a million is expected; m: 0.01 of 1.01; u: 1/100 of 1.01, nearly.
    assert learnt["probability_two_random_records_match"] == 1e-6
    assert levels[1]["m_probability"] == pytest.approx(0.01 / 1.01)
    assert levels[1]["u_probability"] == pytest.approx(0.01 / 1.01, rel=1e-5)


def test_the_prior_is_counted_from_sure_pairs():
    learnt = {"probability_two_random_records_match": 0.2, "comparisons": []}
    _settle(learnt, LinkageConfig(prior_recall=0.8), n_pairs=100)
    assert learnt["probability_two_random_records_match"] == pytest.approx(0.25)
    learnt = {"probability_two_random_records_match": 1.0, "comparisons": []}
    _settle(learnt, LinkageConfig(prior_recall=0.8), n_pairs=1)
    assert learnt["probability_two_random_records_match"] == 0.5


@pytest.mark.parametrize("comparison", LEVELS)
def test_levels_start_with_missing_and_guesses_add_up(comparison):
    levels = LEVELS[comparison]
    assert level_names(comparison)[-1] == levels[0].name == "missing"
    assert level_names(comparison)[0] == levels[-1].name == "different"
    assert sum(level.probability for level in levels) == pytest.approx(1)


def test_nothing_is_fetched(town, tmp_path, monkeypatch):
    """Neither by Python nor by DuckDB, which would put extensions under HOME."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))
    link_contacts(town.contacts.head(100), config=LinkageConfig())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 0}, "threshold must be"),
        ({"threshold": math.nan}, "threshold must be"),
        ({"min_probability": 0.96}, "min_probability must be"),
        ({"prior": 1.0}, "prior must be"),
        ({"prior_recall": 0}, "prior_recall must be"),
        ({"max_block_size": 1}, "max_block_size must be"),
        ({"max_sample_pairs": 0}, "max_sample_pairs must be"),
        ({"min_level_probability": 0.5}, "min_level_probability must be"),
        ({"comparisons": ("names", "shoe_size")}, "shoe_size"),
        ({"comparisons": ("names", "address")}, "names and birth_date"),
        ({"comparisons": ("names", "names", "birth_date")}, "each once"),
        ({"blocking_rules": ()}, "blocking_rules is empty"),
        ({"blocking_rules": (("postcode", "shoe_size"),)}, "shoe_size"),
        ({"blocking_rules": ((),)}, "blocking_rules"),
    ],
)
def test_a_wrong_setting_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        LinkageConfig(**changes)


@pytest.mark.parametrize(
    ("contacts", "message"),
    [
        ([{"first_name": "Anna"}], "no column contact_id"),
        ([contact("a"), contact("a")], "empty or repeated"),
        ([contact(None)], "empty or repeated"),
        ([{"contact_id": "a", "shoe_size": "38"}], "none of the columns"),
    ],
)
def test_contacts_that_cannot_be_linked_are_refused(contacts, message):
    with pytest.raises(ValueError, match=message):
        link_contacts(pd.DataFrame(contacts), config=LinkageConfig())
