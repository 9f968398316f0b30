"""Where things are, and which day a run describes."""

import datetime as dt

import pytest

from orchestration.settings import load_settings

LATE_EVENING = dt.datetime(2024, 3, 31, 23, 30, tzinfo=dt.UTC)


def settings_of(monkeypatch, tmp_path, text):
    path = tmp_path / "vars.yml"
    path.write_text(text)
    monkeypatch.setenv("SEGMENTARY_VARS", str(path))
    return load_settings()


def test_the_runs_own_date_comes_before_the_data_sets(monkeypatch, tmp_path):
    settings = settings_of(monkeypatch, tmp_path, "as_of_date: 2011-12-10")
    assert settings.as_of_date("2011-06-01", LATE_EVENING) == dt.date(2011, 6, 1)
    assert settings.as_of_date(None, LATE_EVENING) == dt.date(2011, 12, 10)


def test_the_default_is_the_runs_date_in_the_business_time_zone(monkeypatch, tmp_path):
    settings = settings_of(monkeypatch, tmp_path, "business_time_zone: Europe/Paris")
    assert settings.as_of_date(None, LATE_EVENING) == dt.date(2024, 4, 1)
    settings = settings_of(monkeypatch, tmp_path, "business_time_zone: America/Lima")
    assert settings.as_of_date(None, LATE_EVENING) == dt.date(2024, 3, 31)


def test_the_as_of_date_is_not_among_dbts_vars(monkeypatch, tmp_path):
    # A var that changes makes dbt parse everything again; a replay changes it monthly.
    settings = settings_of(monkeypatch, tmp_path, "{as_of_date: 2011-12-10, a: 1}")
    assert settings.dbt_vars == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("as_of_date: tomorrow", "as_of_date is 'tomorrow'; expected .* YYYY-MM-DD"),
        ("- a", "holds no mapping"),
    ],
)
def test_a_wrong_vars_file_is_named(monkeypatch, tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        settings_of(monkeypatch, tmp_path, text)


def test_a_missing_vars_file_is_named(monkeypatch):
    monkeypatch.setenv("SEGMENTARY_VARS", "demo/nothing/vars.yml")
    with pytest.raises(FileNotFoundError, match=r"demo/nothing/vars\.yml"):
        load_settings()


def test_a_vars_file_overrides_the_projects_defaults(monkeypatch, tmp_path):
    settings = settings_of(monkeypatch, tmp_path, "shop_name: Corner shop")
    assert settings.project_var("shop_name") == "Corner shop"
    assert settings.project_var("rfm_window_days") == 365
