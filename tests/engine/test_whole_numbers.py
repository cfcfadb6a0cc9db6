"""Arguments that functions of all rooms read alike."""

import pytest

import autograd_core as ag


@pytest.mark.parametrize(
    "taken",
    [
        lambda n: ag.Film(n),
        lambda n: ag.Film(cases=n),
        lambda n: ag.draw(ag.Value(1.0) + 2, hops=n),
        lambda n: ag.top_paths(x := ag.Value(1.0), x, n),
    ],
    ids=["every", "cases", "hops", "k"],
)
def test_a_whole_number_of_numpy_is_one_and_a_bool_is_none(taken):
    numpy = pytest.importorskip("numpy")
    taken(numpy.int64(2))
    for wrong in (True, numpy.bool_(1), 2.0, numpy.float64(2.0), "2", None):
        with pytest.raises(ag.OperandError, match="to be an int, got "):
            taken(wrong)
    with pytest.raises(ag.RangeError, match="to be at least 1, got -1"):
        taken(numpy.int64(-1))
