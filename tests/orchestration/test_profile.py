"""The critical path of a profile."""

from benchmarks.profile import Node, critical_path


def nodes(*rows):
    return {
        name: Node(name, seconds, list(tests), set(parents))
        for name, seconds, tests, parents in rows
    }


def test_the_path_is_the_longest_chain_and_counts_the_longest_test_of_a_node():
    # By hand: a, b, d takes 1 + 2 + 1 s; a, c, d takes 1 + (1 + 2) + 1 s, since d waits
    # for the longest test of c; e is read by nobody and takes less.
    graph = nodes(
        ("a", 1.0, [], []),
        ("b", 2.0, [], ["a"]),
        ("c", 1.0, [2.0, 0.5], ["a"]),
        ("d", 1.0, [], ["b", "c"]),
        ("e", 3.0, [], ["a"]),
    )
    path = critical_path(graph)
    assert [node.name for node in path] == ["a", "c", "d"]
    assert sum(node.bound for node in path) == 5.0


def test_of_equal_paths_the_first_by_name_is_taken():
    graph = nodes(("b", 1.0, [], []), ("a", 1.0, [], []), ("c", 1.0, [], ["b", "a"]))
    assert [node.name for node in critical_path(graph)] == ["a", "c"]


def test_without_nodes_there_is_no_path():
    assert critical_path({}) == []
