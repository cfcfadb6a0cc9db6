"""Trees of lists, tuples, dicts and arrays: taken apart, put together, compared."""

from collections import OrderedDict, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.pytrees import (
    LEAF,
    Spec,
    array,
    build,
    flatten,
    flatten_as,
    is_array,
    same_shape,
    unflatten,
)

Pair = namedtuple("Pair", "first second")  # noqa: PYI024

leaves = st.floats(allow_nan=False)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=2), st.integers(0, 3)), inner, max_size=3),
        st.tuples(inner, inner).map(lambda pair: Pair(*pair)),
    ),
    max_leaves=12,
)


@given(trees)
def test_taken_apart_and_put_together_it_is_the_same(tree):
    numbers, spec = flatten(tree)
    again = unflatten(spec, numbers)
    assert again == tree
    assert type(again) is type(tree)
    assert spec.size == len(numbers)
    assert flatten_as(spec, tree, "tree") == numbers


@given(trees)
def test_build_visits_the_leaves_from_left_to_right(tree):
    numbers, spec = flatten(tree)
    visited = []
    build(spec, lambda start, block: visited.append((start, block.kind)))
    assert visited == [(i, "leaf") for i in range(len(numbers))]


def test_a_named_tuple_keeps_its_class_and_a_dict_its_order():
    numbers, spec = flatten({"b": 1.0, "a": Pair(2.0, [3.0])})
    assert numbers == [1.0, 2.0, 3.0]
    again = unflatten(spec, [10.0, 20.0, 30.0])
    assert list(again) == ["b", "a"]
    assert again["a"].second == [30.0]
    assert unflatten(flatten(OrderedDict(x=1.0))[1], [2.0]) == {"x": 2.0}


def test_other_tuple_classes_are_called_with_a_sequence():
    class Triple(tuple):
        __slots__ = ()

    again = unflatten(flatten(Triple((1.0, 2.0, 3.0)))[1], [4.0, 5.0, 6.0])
    assert type(again) is Triple
    assert again == (4.0, 5.0, 6.0)


def test_arrays():
    np = pytest.importorskip("numpy")
    a = np.arange(6.0).reshape(2, 3)
    numbers, spec = flatten({"w": a, "b": [np.array(7.0), 8.0]})
    assert numbers == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0]
    assert all(type(x) is float for x in numbers)
    assert spec.size == 8
    again = unflatten(spec, numbers)
    assert (again["w"] == a).all()
    assert again["w"].dtype == np.float64
    assert again["b"][0].shape == ()
    objects = unflatten(flatten(a)[1], [ag.Value(x) for x in range(6)])
    assert objects.dtype == object
    assert objects.shape == (2, 3)
    assert array([1.0, 2.0], (2, 1)).tolist() == [[1.0], [2.0]]
    assert is_array(a)
    assert not is_array([1.0])
    assert flatten(np.empty((0, 3)))[1].size == 0


def test_dicts_in_another_order_are_the_same_shape_where_leaves_are_asked_for():
    _, spec = flatten({"a": 1.0, "b": [{"x": 2.0, "y": 3.0}]})
    assert flatten_as(spec, {"b": [{"y": 30.0, "x": 20.0}], "a": 10.0}, "tree") == [10.0, 20.0, 30.0]
    with pytest.raises(ag.StructureError):
        same_shape(spec, flatten({"b": [{"x": 2.0, "y": 3.0}], "a": 1.0})[1], "tree")


@pytest.mark.parametrize(
    ("expected", "got", "message"),
    [
        (1.0, [1.0], "t: expected a number, got a list of length 1"),
        ([1.0, 2.0], [1.0], "t: expected a list of length 2, got a list of length 1"),
        ([1.0], 1.0, "t: expected a list of length 1, got a number"),
        ([1.0], Value(1.0), "t: expected a list of length 1, got a number"),
        ([1.0], None, r"t: expected a list of length 1, got None \(NoneType\)"),
        ([1.0, [2.0]], [3.0, range(1)], r"t\[1\]: expected a list of length 1, got range\(0, 1\) \(range\)"),
        ([[1.0], {"a": [2.0]}], ([9.0], {"a": "b"}), r"t\[1\]\['a'\]: expected a list of length 1, got 'b' \(str\)"),
        ([1.0, [2.0]], [1.0, 2.0], r"t\[1\]: expected a list of length 1, got a number"),
        ({"a": 1.0}, {"b": 1.0}, "t: expected a dict with the keys 'a', got a dict with the keys 'b'"),
        ({"a": (1.0, 2.0)}, {"a": (1.0,)}, r"t\['a'\]: expected a tuple of length 2, got a tuple of length 1"),
        ([1.0], {0: 1.0}, "t: expected a list of length 1, got a dict with the keys 0"),
    ],
)
def test_a_wrong_shape_is_named_with_its_place(expected, got, message):
    with pytest.raises(ag.StructureError, match=message):
        flatten_as(flatten(expected)[1], got, "t")
    leaves, found = flatten(got)
    with pytest.raises(ag.StructureError, match=message):
        same_shape(flatten(expected)[1], found, "t", leaves)


def test_a_wrong_array_is_named_with_its_shape():
    np = pytest.importorskip("numpy")
    _, spec = flatten(np.zeros((2, 3)))
    for got in (np.zeros((3, 2)), np.zeros(6)):
        with pytest.raises(ag.StructureError, match=r"expected an array of shape \(2, 3\), got an array of shape"):
            flatten_as(spec, got, "t")
    with pytest.raises(ag.StructureError, match=r"got a list of length 6"):
        flatten_as(spec, [0.0] * 6, "t")


def test_lists_and_tuples_are_alike():
    same_shape(flatten([1.0, (2.0,)])[1], flatten((1.0, [2.0]))[1], "t")
    assert flatten_as(flatten([1.0, (2.0,)])[1], (1.0, [2.0]), "t") == [1.0, 2.0]


def test_the_shape_of_a_number():
    assert flatten(3.0) == ([3.0], LEAF)
    assert Spec("leaf").size == 1
