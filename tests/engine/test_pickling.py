"""Copies and pickles of graphs: at any depth, with the sharing between several roots."""

import copy
import io
import math
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from multiprocessing.reduction import ForkingPickler

import pytest
from hypothesis import given
from strategies import programs, value_of

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.value import Constant

COPIES = {f"pickle {p}": (lambda x, p=p: pickle.loads(pickle.dumps(x, p))) for p in range(pickle.HIGHEST_PROTOCOL + 1)}
COPIES["deepcopy"] = copy.deepcopy


def python_pickle(x):
    """The pickler that is written in Python, with its own memo."""
    file = io.BytesIO()
    pickle._Pickler(file).dump(x)
    return pickle._loads(file.getvalue())


COPIES["python pickle"] = python_pickle


def same_graph(a, b):
    """Node by node the same, but no node in common."""
    first, second = ag.topological_order(a), ag.topological_order(b)
    assert len(first) == len(second)
    twin = dict(zip(first, second, strict=True))
    for x, y in twin.items():
        assert x is not y
        assert type(x) is type(y)
        assert (x.data, x.grad, x.op, x.label, x.scope, x.local_grads) == (y.data, y.grad, y.op, y.label, y.scope, y.local_grads)
        assert x._primitive is y._primitive
        assert all(twin[p] is q for p, q in zip(x.parents, y.parents, strict=True))
    return True


@pytest.mark.parametrize("way", COPIES)
@given(program=programs())
def test_random_graphs_are_copied_node_by_node(way, program):
    root = value_of(program)([Value(x) for x in program.point])
    if isinstance(root, Value):
        root.backward()
        assert same_graph(root, COPIES[way](root))


@pytest.mark.parametrize("way", COPIES)
def test_sharing_between_several_roots_is_kept_in_one_call(way):
    x = Value(2.0, label="x")
    a = x * x
    b = ag.sin(a) + x
    copied = COPIES[way]({"roots": [b, a], "leaf": x, "again": (b,)})
    b2, a2, x2 = *copied["roots"], copied["leaf"]
    assert copied["again"][0] is b2
    assert ag.topological_order(b2)[0] is x2
    assert b2.parents[0].parents[0] is a2
    assert a2.parents[0] is a2.parents[1] is x2
    assert x2 is not x
    b2.backward()
    assert (x2.grad, x.grad) == (ag.grad_of(b, [x])[0], 0.0)


def test_several_dumps_of_one_pickler_share_as_well():
    x = Value(2.0)
    y = x * x
    for pickler in (pickle.Pickler, pickle._Pickler):
        file = io.BytesIO()
        writer = pickler(file)
        writer.dump(y)
        writer.dump([x, y])
        file.seek(0)
        reader = pickle.Unpickler(file)
        y2, (x2, y3) = reader.load(), reader.load()
        assert y2 is y3
        assert y2.parents[0] is x2


def test_separate_calls_are_separate():
    x = Value(2.0)
    y = x * x
    assert pickle.loads(pickle.dumps(x)).parents == ()
    assert same_graph(y, pickle.loads(pickle.dumps(y)))
    assert same_graph(y, pickle.loads(pickle.dumps(y)))
    assert copy.deepcopy(x) is not copy.deepcopy(x)


@pytest.mark.usefixtures("recursion_limit_as_shipped")
@pytest.mark.parametrize("way", ["deepcopy", f"pickle {pickle.HIGHEST_PROTOCOL}"])
def test_deep_graphs_with_sharing_and_the_recursion_limit_as_shipped(way):
    x = Value(0.5, label="x")
    y = x
    for i in range(150_000):
        y = ag.sin(y) if i % 2 else y + x
        if i == 75_000:
            middle = y
    y2, x2, middle2 = COPIES[way]([y, x, middle])
    order = ag.topological_order(y2)
    assert len(order) == len(ag.topological_order(y))
    assert order[0] is x2
    assert middle2 in set(order)
    y.backward()
    y2.backward()
    assert x2.grad == x.grad


def test_a_shallow_copy_shares_its_parents():
    with ag.scope("layer"):
        x = Value(2.0, label="x")
        y = x * 3
    y.grad = 5.0
    z = copy.copy(y)
    assert z is not y
    assert (z.data, z.grad, z.op, z.scope) == (6.0, 5.0, "mul", "layer")
    assert z.parents[0] is y.parents[0]
    z.label = "z"
    z.grad = 0.0
    assert (y.label, y.grad) == ("", 5.0)


@pytest.mark.parametrize("way", COPIES)
def test_everything_a_node_has_is_kept(way):
    with ag.scope("a/b"):
        x = Value(Fraction(1, 3), label="third")
    y = x * 2 + 0.5
    y.backward()
    constant = y.parents[1]
    assert isinstance(constant, Constant)
    x2 = COPIES[way](x)
    assert (x2.data, x2.label, x2.scope) == (Fraction(1, 3), "third", "a/b")
    x2.label = "other"
    assert x.label == "third"
    assert same_graph(y, COPIES[way](y))
    nan = COPIES[way](ag.log(Value(-1.0)))
    assert math.isnan(nan.data)


@pytest.mark.parametrize("way", COPIES)
def test_subclasses_keep_their_class_and_attributes(way):
    x = Parameter(2.0)
    x.rate = [0.1]
    y = x * x
    y2, x2 = COPIES[way]([y, x])
    assert type(x2) is Parameter
    assert x2.rate == [0.1]
    assert x2.rate is not x.rate
    assert y2.parents[0] is x2
    assert copy.copy(x).rate is x.rate


class Parameter(Value):
    """With a __dict__, as subclasses have it."""


class Slotted(Value):
    __slots__ = ("__hidden", "m")

    def hide(self, x):
        self.__hidden = x

    def hidden(self):
        return self.__hidden


class OneSlot(Slotted):
    __slots__ = "alone"  # noqa: PLC0205  Python takes it


@pytest.mark.parametrize("way", COPIES)
def test_attributes_may_lead_back_to_the_node(way):
    x = Parameter(2.0)
    y = x * 3
    x.me, x.product, x.both = x, y, {"pair": (x, [y])}
    for node in (x, y, [x, y], {"x": x, "y": y}):
        copied = COPIES[way](node)
        x2, y2 = copied if isinstance(node, list) else copied.values() if isinstance(node, dict) else (None, None)
        if x2 is None:
            x2 = copied if node is x else copied.parents[0]
            y2 = x2.product
        assert set(vars(x2)) == {"me", "product", "both"}
        assert x2.me is x2 is y2.parents[0] is x2.both["pair"][0]
        assert x2.product is y2 is x2.both["pair"][1][0]
        assert x2 is not x
        y2.backward()
        assert x2.grad == 3.0


@pytest.mark.parametrize("way", [*COPIES, "copy"])
def test_slots_of_ones_own_are_kept(way):
    for cls in (Slotted, OneSlot):
        x = cls(2.0)
        x.m = [1.0]
        x.hide("secret")
        if cls is OneSlot:
            x.alone = 4
        y = COPIES[way](x) if way != "copy" else copy.copy(x)
        assert (type(y), y.m, y.hidden(), getattr(y, "alone", None)) == (cls, [1.0], "secret", getattr(x, "alone", None))
    empty = COPIES.get(way, copy.copy)(Slotted(1.0))
    assert not hasattr(empty, "m")


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.usefixtures("recursion_limit_as_shipped")
def test_deep_graphs_with_attributes(way):
    x = y = Parameter(0.5)
    for _ in range(3_000):
        y = ag.sin(y)
    x.root, x.me = y, x
    x2 = COPIES[way](x)
    assert x2.me is x2
    assert same_graph(x.root, x2.root)
    assert ag.topological_order(x2.root)[0] is x2


@pytest.mark.parametrize("way", COPIES)
def test_a_copied_graph_can_be_differentiated_again(way):
    x = Value(2.0)
    y2, x2 = COPIES[way]([ag.sin(x) ** 3, x])
    [slope] = ag.grad_of(y2, [x2], create_graph=True)
    assert slope.data == pytest.approx(3 * math.sin(2) ** 2 * math.cos(2))


def test_the_parts_outlive_the_pickling():
    from autograd_core._src.engine import pickling

    x = Value(2.0)
    pickle.dumps([x * x, x])
    assert len(pickling._state.entries) == 0


# --- several picklers at once -----------------------------------------------------------------------


def chain(length=3_000):
    """A deep graph with sharing: its leaf, its middle, its root."""
    x = y = middle = Value(0.5, label="x")
    for i in range(length):
        y = ag.sin(y) if i % 2 else y + x
        middle = y if i == length // 2 else middle
    return x, middle, y


PICKLERS = [
    pytest.param(lambda file, p=protocol, make=make: make(file, p), id=f"{make.__qualname__} {protocol}")
    for make in (pickle.Pickler, pickle._Pickler, ForkingPickler)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
]
both_picklers = pytest.mark.parametrize("pickler", PICKLERS)


@pytest.mark.usefixtures("recursion_limit_as_shipped")
@both_picklers
def test_a_deep_graph_beside_a_living_pickler(pickler):
    x, middle, y = chain()
    living = pickler(first := io.BytesIO())
    living.dump([middle, x])
    for _ in range(2):
        pickler(second := io.BytesIO()).dump([y, middle, x])  # another pickler, while the first one lives
        y2, middle2, x2 = pickle.loads(second.getvalue())
        assert same_graph(y, y2)
        assert middle2 in set(ag.topological_order(y2))
        assert ag.topological_order(y2)[0] is x2
        living.dump(y)  # the living one goes on, and still knows what it has
    reader = pickle.Unpickler(io.BytesIO(first.getvalue()))
    middle2, x2 = reader.load()
    y2 = reader.load()
    assert reader.load() is y2
    assert same_graph(y, y2)
    assert {middle2, x2} <= set(ag.topological_order(y2))


@pytest.mark.usefixtures("recursion_limit_as_shipped")
@both_picklers
def test_a_dump_that_fails_in_the_middle_spoils_no_later_one(pickler):
    x, middle, y = chain()
    bad = Parameter(0.5)
    bad.attribute = Unpicklable()
    with pytest.raises(ArithmeticError, match="planted") as kept:  # the error keeps the half-done entries alive
        (failing := pickler(io.BytesIO())).dump([middle, y + bad])
    assert kept.value is not None
    assert failing is not None
    for root in (y, middle, y + 1):
        pickler(file := io.BytesIO()).dump([root, x])
        root2, x2 = pickle.loads(file.getvalue())
        assert same_graph(root, root2)
        assert ag.topological_order(root2)[0] is x2
    bad.attribute = None
    failing.dump(y + bad)


class Unpicklable:
    def __reduce__(self):
        msg = "planted"
        raise ArithmeticError(msg)


class PickledWithin(Parameter):
    """Its state is a pickle of its own, made in the middle of another."""

    def __reduce_ex__(self, protocol):
        return unpickled, (pickle.dumps(self.graph, protocol), self.data)


def unpickled(text, data):
    node = PickledWithin(data)
    node.graph = pickle.loads(text)
    return node


@pytest.mark.usefixtures("recursion_limit_as_shipped")
@both_picklers
def test_pickles_within_pickles_and_deep_copies_within(pickler):
    x, middle, y = chain()
    inner = PickledWithin(2.0)
    inner.graph = y
    holder = Parameter(1.0)
    holder.inner, holder.copied = inner, copy.deepcopy(y)
    pickler(file := io.BytesIO()).dump([middle, holder, y, x])
    middle2, holder2, y2, x2 = pickle.loads(file.getvalue())
    assert same_graph(y, y2)
    assert same_graph(y, holder2.inner.graph)
    assert same_graph(y, holder2.copied)
    assert middle2 in set(ag.topological_order(y2))
    assert ag.topological_order(y2)[0] is x2
    assert x2 not in set(ag.topological_order(holder2.inner.graph))


@pytest.mark.usefixtures("recursion_limit_as_shipped")
def test_threads_pickle_one_deep_graph_at_once():
    x, middle, y = chain()
    living = pickle.Pickler(io.BytesIO())
    living.dump(y)

    def work(_):
        kept = pickle.Pickler(io.BytesIO())
        kept.dump(middle)
        return pickle.loads(pickle.dumps([y, x]))

    with ThreadPoolExecutor(4) as pool:
        for y2, x2 in pool.map(work, range(8)):
            assert same_graph(y, y2)
            assert ag.topological_order(y2)[0] is x2


@pytest.mark.parametrize("living", [False, True])
def test_many_roots_in_one_pickle_take_linear_space(living):
    def size(n):
        nodes = [Value(0.5)]
        for _ in range(n):
            nodes.append(ag.sin(nodes[-1]))
        kept = pickle.Pickler(io.BytesIO())
        if living:
            kept.dump(nodes)
        return len(pickle.dumps(nodes))

    a, b, c = size(200), size(400), size(800)
    assert c - b < 2.5 * (b - a)


# --- primitives of users ---------------------------------------------------------------------------

DEFINING = """
    import autograd_core as ag
    @ag.primitive
    def cube(x):
        return x ** 3
    @cube.partials
    def _(x, z):
        return (3 * x ** 2,)
"""


@ag.primitive
def doubled(x):
    return 2 * x


@doubled.partials
def _(x, z):
    return (2,)


@pytest.mark.parametrize("way", COPIES)
def test_a_primitive_that_is_known_already_is_found_again(way):
    x = Value(3.0)
    y2, x2 = COPIES[way]([doubled(x), x])
    assert y2._primitive is doubled._primitive
    assert [g.data for g in ag.grad_of(y2, [x2], create_graph=True)] == [2.0]


def saved_by_another_program(tmp_path, module):
    (tmp_path / f"{module}.py").write_text(textwrap.dedent(DEFINING))
    code = f"""
        import pickle, sys
        sys.path.insert(0, {str(tmp_path)!r})
        import autograd_core as ag, {module}
        x = ag.Value(2.0)
        sys.stdout.buffer.write(pickle.dumps([{module}.cube(x) * 5, x]))
    """
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True).stdout


def test_a_pickle_names_primitives_by_module_and_qualname(tmp_path, monkeypatch):
    saved = saved_by_another_program(tmp_path, "primitives_that_are_there")
    monkeypatch.syspath_prepend(tmp_path)
    y, x = pickle.loads(saved)
    assert y.parents[0].op == "cube"
    [slope] = ag.grad_of(y, [x], create_graph=True)
    assert slope.data == 60.0
    assert ag.grad_of(slope, [x]) == [60.0]


def test_a_primitive_that_is_missing_still_gives_values_and_first_order(tmp_path):
    y, x = pickle.loads(saved_by_another_program(tmp_path, "primitives_that_are_gone"))
    assert (y.data, y.parents[0].op, y.parents[0].local_grads) == (40.0, "cube", (12.0,))
    y.backward()
    assert x.grad == 60.0
    assert same_graph(y.parents[0].parents[0], copy.deepcopy(x))
    with pytest.raises(ag.UnknownPrimitiveError, match=r"'cube'.*primitives_that_are_gone\.cube is not defined here; import"):
        ag.grad_of(y, [x], create_graph=True)
    again, x2 = pickle.loads(pickle.dumps([y, x]))
    again.zero_grad()
    again.backward()
    assert x2.grad == 60.0


def test_a_module_without_the_primitive(tmp_path, monkeypatch):
    saved = saved_by_another_program(tmp_path, "primitives_that_were_renamed")
    (tmp_path / "primitives_that_were_renamed.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    y, x = pickle.loads(saved)
    assert y.data == 40.0
    with pytest.raises(ag.UnknownPrimitiveError):
        ag.grad_of(y, [x], create_graph=True)


def test_a_built_in_primitive_of_another_version_is_missing_too():
    from autograd_core._src.engine.ops import find_primitive

    primitive = find_primitive("autograd_core._src.engine.ops", "no_such_row", "no_such_row", 1)
    assert primitive.name == "no_such_row"
    with pytest.raises(ag.UnknownPrimitiveError):
        primitive.value(None, 1.0)


# --- comparison nodes and reductions are data like any other ----------------------------------------


@pytest.mark.parametrize("way", COPIES)
def test_many_kinds_of_nodes(way):
    x, y = Value(2.0), Value(-3.0)
    root = ag.where(x > y, ag.dot([x, y, 1.0], [y, y, x]), 0) + ag.max([x, y, 4]) * ag.norm([x, y]) + ag.logsumexp([x, y])
    assert same_graph(root, COPIES[way](root))
