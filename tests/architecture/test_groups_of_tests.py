"""Tests of a group share what is dear or must not happen twice at once: they go to one worker."""

import pytest


@pytest.mark.xdist_group("alone")
def test_a_group_stands_in_the_id_by_which_tests_are_dealt_out(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("only where tests are dealt out by group: --dist loadgroup")
    assert request.node.nodeid.endswith("test_a_group_stands_in_the_id_by_which_tests_are_dealt_out@alone")
