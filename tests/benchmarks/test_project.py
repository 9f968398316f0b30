"""Which warehouse a measured program starts from."""

import pytest

from benchmarks.pipeline.project import NotKeptError, Project


def project_in(folder, *, in_place):
    project = Project(folder, folder / "landing", in_place=in_place)
    project.state.mkdir()
    project.warehouse.write_text("landed")
    project.keep("landed")
    project.warehouse.write_text("built")
    project.keep("built")
    return project


def test_a_kept_warehouse_is_put_back(tmp_path):
    project = project_in(tmp_path, in_place=False)
    project.put_back("landed")
    assert project.warehouse.read_text() == "landed"
    assert project.kept("built").read_text() == "built"


def test_in_place_is_no_copy(tmp_path):
    project = project_in(tmp_path, in_place=True)
    project.put_back("built")
    assert project.kept("built") == project.warehouse
    assert [path.name for path in tmp_path.rglob("*.duckdb")] == ["warehouse.duckdb"]


def test_in_place_refuses_to_start_from_what_is_no_more(tmp_path):
    project = project_in(tmp_path, in_place=True)
    with pytest.raises(NotKeptError, match="should be 'landed', but is 'built'"):
        project.put_back("landed")


def test_in_place_refuses_what_a_program_left_unfinished(tmp_path):
    project = project_in(tmp_path, in_place=True)
    project.put_back("built")
    with pytest.raises(NotKeptError, match="should be 'built', but is ''"):
        project.put_back("built")
