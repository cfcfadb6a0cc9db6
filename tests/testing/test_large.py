"""Functions of very many inputs: a direction is looked at first, and a wrong entry is still found."""

import gc
import math
from itertools import pairwise

import pytest

import autograd_core as ag
from autograd_core._src.engine import ops
from autograd_core._src.testing import recorded_functions
from autograd_core._src.testing.directions import seeds_of
from autograd_core._src.testing.proofs import edges, local_slopes, many_inputs, path_sums, recording
from autograd_core._src.testing.proofs.flat_graph import FlatGraph
from autograd_core._src.testing.proofs.level_sweeps import levels_of
from autograd_core._src.testing.proofs.path_sums import PathSums
from autograd_core.testing import FunctionError, Verdict, check_gradient

COUNT = 1000
POINT = [math.sin(3.0 * k) + 0.1 for k in range(COUNT)]
PLACE = 777


def program(xs):
    return ag.sum([ag.sin(x) * x for x in xs])


def slopes(xs):
    return [math.cos(x) * x + math.sin(x) for x in xs]


def with_error(error):
    def wrong(xs):
        found = slopes(xs)
        found[PLACE] += error
        return found

    return wrong


def test_a_right_program_is_right_and_says_what_would_have_been_seen():
    report = check_gradient(program, (POINT,))
    assert report.verdict is Verdict.RIGHT
    assert 0 < report.resolution < 1e-10
    assert report.verified


@pytest.mark.parametrize("error", [1e-3, 1e-8])
def test_one_wrong_entry_of_a_given_derivative_is_named(error):
    report = check_gradient(program, (POINT,), derivative=with_error(error))
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == f"args[0][{PLACE}]"


def test_a_smaller_error_is_below_the_resolution_that_is_stated():
    error = 1e-13
    report = check_gradient(program, (POINT,), derivative=with_error(error))
    assert not report or report.resolution > error


@pytest.mark.parametrize("error", [1e-3, 1e-5])
def test_one_wrong_entry_of_a_foreign_function_is_named(error):
    np = pytest.importorskip("numpy")

    def f(x):
        if x.dtype == object:
            raise TypeError("only plain numbers")
        return float(np.sum(np.sin(x) * x))

    def slope(x, error=0.0):
        found = np.cos(x) * x + np.sin(x)
        found[PLACE] += error
        return found

    point = np.array(POINT)
    assert check_gradient(f, (point,), derivative=slope)
    report = check_gradient(f, (point,), derivative=lambda x: slope(x, error))
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == f"args[0][{PLACE}]"


def test_the_faulty_rule_is_named_though_it_shows_at_one_input():
    @ag.primitive
    def cubed(x):
        return x**3

    @cubed.partials
    def _(x, z):
        return (3 * x**2 + 1e-3 * (x == POINT[PLACE]),)

    report = check_gradient(lambda xs: ag.sum([cubed(x) * x for x in xs]), (POINT,))
    assert report.verdict is Verdict.WRONG
    assert (report.faulty_op, report.worst.where) == ("cubed", f"args[0][{PLACE}]")


def test_a_rule_that_is_wrong_everywhere(planted):
    sin = planted("sin", lambda m, x, z: (-m.cos(x),))
    report = check_gradient(lambda xs: ag.sum([sin(x) * x for x in xs]), (POINT,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "sin")


def test_a_kink_among_many_inputs_is_one():
    point = [*POINT[:PLACE], 0.0, *POINT[PLACE + 1 :]]
    report = check_gradient(lambda xs: ag.sum([ag.abs(x) for x in xs]), (point,))
    assert report.verdict is Verdict.KINK
    assert report.interval == (-1.0, 1.0)


def test_a_graph_that_is_not_the_whole_function():
    report = check_gradient(lambda xs: ag.sum([ag.sin(x) * x.data for x in xs]), (POINT,))
    assert report.verdict is Verdict.WRONG


def test_several_results_of_many_inputs():
    report = check_gradient(lambda xs: [program(xs), ag.dot(xs, xs)], (POINT,))
    assert report.verdict is Verdict.RIGHT
    wrong = [slopes(POINT), [2 * x + (k == PLACE) for k, x in enumerate(POINT)]]
    report = check_gradient(lambda xs: [program(xs), ag.dot(xs, xs)], (POINT,), derivative=wrong)
    assert report.worst.where == f"result[1] / args[0][{PLACE}]"


@pytest.mark.parametrize("place", [0, PLACE, COUNT - 1])
@pytest.mark.parametrize("share", [1e-3, 1e-6, 1e-8])
def test_a_small_share_of_one_entry_is_seen_wherever_it_is(place, share):
    def wrong(xs):
        found = slopes(xs)
        found[place] *= 1 + share
        return found

    report = check_gradient(program, (POINT,), derivative=wrong)
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == f"args[0][{place}]"


def test_a_rule_that_is_off_by_little_at_one_input():
    @ag.primitive
    def slightly(x):
        return x**3

    @slightly.partials
    def _(x, z):
        return (3 * x**2 * (1 + 1e-8 * (x == POINT[PLACE])),)

    report = check_gradient(lambda xs: ag.sum([slightly(x) for x in xs]), (POINT,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "slightly")
    assert report.faulty_node.op == "slightly"
    assert report.root is not None


def halves(xs):
    while len(xs) > 1:
        xs = [a * b / (a + b) for a, b in zip(xs[::2], xs[1::2], strict=False)] + xs[len(xs) - len(xs) % 2 :]
    return xs[0]


def layer(xs):
    return ag.sum([ag.tanh(ag.dot([math.sin(i + k) for k in range(len(xs))], xs)) ** 2 for i in range(5)])


PROGRAMS = {
    "squares": lambda xs: ag.sum([x * x for x in xs]),
    "sines": program,
    "halves": lambda xs: halves([ag.exp(ag.sin(x)) for x in xs]),
    "layer": layer,
    "valley": lambda xs: ag.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs)]),
    "length": ag.norm,
    "valley, added one by one": lambda xs: sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs)),
    "subtracted one by one": lambda xs: added(xs, lambda y, k, x: y - x * x if k % 3 else 2.0 - y + x**3),
}


def added(xs, step):
    y = 1.0
    for k, x in enumerate(xs):
        y = step(y, k, x)
    return y


@pytest.mark.parametrize("name", PROGRAMS)
def test_floats_alone_tell_a_right_program_in_steps_linear_in_its_inputs(monkeypatch, name):
    visits = []

    def counted(node, moves):
        visits.append(node)
        return edges.quickly(node, moves)

    def refused(*_):
        raise AssertionError("more than floats was asked for")

    monkeypatch.setattr(many_inputs, "quickly", counted)
    monkeypatch.setattr(many_inputs, "closely", refused)
    monkeypatch.setattr(many_inputs, "along_a_direction", refused)
    monkeypatch.setattr(recorded_functions, "_apart_at", refused)
    counts = []
    for n in (COUNT, 2 * COUNT):
        visits.clear()
        report = check_gradient(PROGRAMS[name], ([math.sin(3.0 * k) + 0.1 for k in range(n)],))
        assert report.verdict is Verdict.RIGHT
        assert report.resolution < 1e-8
        counts.append(sum(len(node.parents) for node in visits))
    assert counts[1] <= 2.1 * counts[0]


def test_digits_that_cancel_are_no_more_told_by_floats():
    """What rounding of values does to a derivative is seen, and 50 digits are asked."""

    def lost(xs):
        return ag.sum([ag.sin((x + 1e12) - 1e12) for x in xs])

    report = check_gradient(lost, (POINT,))
    assert report.verdict is Verdict.ILL_CONDITIONED or report.resolution > 1e-6


@pytest.mark.parametrize("name", ["max", "min", "norm"])
def test_ties_of_many_operands_take_steps_linear_in_them(monkeypatch, name):
    primitive = ops.PRIMITIVES[name]
    seen = []
    value = primitive.value

    def counted(m, *xs):
        seen.append(len(xs))
        return value(m, *xs)

    monkeypatch.setattr(primitive, "value", counted)
    counts = []
    for n in (150, 300):
        seen.clear()
        point = [0.0 if name == "norm" else 1.0] * n
        report = check_gradient(lambda xs: getattr(ag, name)(xs) * 1.0, (point,))
        assert (report.verdict, report.fair) == (Verdict.KINK, True)
        counts.append(sum(seen))
    assert counts[1] <= 2.5 * counts[0]


def test_a_tie_of_two_among_many_is_a_kink():
    point = [0.0] * 60 + [1.0] + [0.5] * 40 + [1.0]
    report = check_gradient(lambda xs: ag.max(xs), (point,))
    assert (report.verdict, report.interval) == (Verdict.KINK, (0.0, 1.0))


def user_rules():
    @ag.primitive
    def cubed(x):
        return x**3

    @cubed.partials
    def _(x, z):
        return (3 * x * x,)

    @ag.primitive
    def softened(x):
        return ag.log(1 + ag.exp(x))

    @softened.partials
    def _(x, z):
        return (1 / (1 + ag.exp(-x)),)

    @ag.primitive
    def tilted(x, y):
        return x * y * y + x

    @tilted.partials
    def _(x, y, z):
        return y * y + 1, 2 * x * y

    return {
        "cubed": lambda xs: ag.sum([cubed(x) for x in xs]),
        "softened": lambda xs: ag.sum([softened(x) for x in xs]),
        "tilted": lambda xs: ag.sum([tilted(a, b) for a, b in pairwise(xs)]),
    }


@pytest.mark.parametrize("name", ["cubed", "softened", "tilted"])
def test_nodes_of_one_rule_are_looked_at_together(monkeypatch, name):
    pytest.importorskip("numpy")
    looked_at = []

    def counted(node, moves):
        looked_at.append(node.op)
        return edges.quickly(node, moves)

    monkeypatch.setattr(many_inputs, "quickly", counted)
    assert check_gradient(user_rules()[name], (POINT,))
    assert looked_at == ["sum"]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_without_arrays_the_verdict_is_the_same(monkeypatch, name):
    report = check_gradient(PROGRAMS[name], (POINT,))
    monkeypatch.setattr(many_inputs, "confirmed", lambda flat: ([0.0] * len(flat.steep), set()))
    other = check_gradient(PROGRAMS[name], (POINT,))
    assert (other.verdict, other.worst) == (report.verdict, report.worst)
    assert other.resolution == pytest.approx(report.resolution, rel=1e-6)


def test_a_rule_whose_value_cancels_is_not_taken_for_accurate():
    """What its formula loses is the rule's own, and no digit of its value is left."""

    @ag.primitive
    def lost(x):
        return (1e17 + x) - 1e17

    @lost.partials
    def _(x, z):
        return (1.0,)

    report = check_gradient(lambda xs: ag.sum([lost(x) * x for x in xs]), (POINT,))
    assert report.verdict is not Verdict.RIGHT


@pytest.mark.parametrize("many", [program, PROGRAMS["valley"], user_rules()["cubed"]])
def test_a_function_of_many_inputs_is_called_four_times(many):
    calls = []

    def f(xs):
        calls.append(xs)
        return many(xs)

    assert check_gradient(f, (POINT,))
    assert len(calls) == 4


@pytest.mark.parametrize("other", [lambda call: call % 2 == 0, lambda call: call > 1, lambda call: call == 1])
def test_a_function_that_changes_from_call_to_call_is_refused(other):
    calls = []

    def f(xs):
        calls.append(1)
        return program(xs) + other(len(calls))

    with pytest.raises(FunctionError):
        check_gradient(f, (POINT,))


def test_ten_thousand_additions_in_a_row_are_one_where_an_entry_is_judged():
    xs = [ag.Value(x) for x in POINT]
    total = xs[0] * xs[0]
    for x in xs[1:]:
        total = total + x * x
    rec = recording.Recording(lambda xs: [total], xs, [f"x{k}" for k in range(COUNT)], [total], [""])
    alone, nodes = many_inputs.only(rec, xs[PLACE], "x")
    assert len(alone.order) == 4  # the input, its square, a constant and their sum
    assert alone.outputs[0].data == total.data
    assert nodes[alone.outputs[0]] is total


def test_collection_goes_on_after_a_check_that_raises():
    def broken(xs):
        raise ValueError

    assert gc.isenabled()
    with pytest.raises(FunctionError):
        check_gradient(broken, (POINT,))
    assert gc.isenabled()


ALL = {**PROGRAMS, **user_rules()}
ALL["several results"] = lambda xs: [ag.sum([ag.atan2(a, b) for a, b in pairwise(xs)]), xs[3] * ag.exp(xs[4]), xs[5]]
ALL["sums read within"] = lambda xs: sums_read_within(xs)
ALL["guarded"] = lambda xs: ag.sum([ag.where(x > 0, ag.log(ag.maximum(x, 0.5)), 0.0 * ag.sqrt(x)) for x in xs])


CHAINS = {"valley, added one by one", "subtracted one by one", "sums read within"}


def sums_read_within(xs):
    """Of a chain of additions some are results, some read twice, and some by a function."""
    y, results = 0.5, []
    for k, x in enumerate(xs):
        y = x * x + y if k % 2 else y + x + 1.0
        if k % 100 == 50:
            results.append(y)
            y = y + y
        if k % 100 == 99:
            y = ag.tanh(1e-3 * y)
    return [*results, y]


@pytest.mark.parametrize("name", sorted(ALL))
def test_sums_level_by_level_are_those_node_by_node(name):
    pytest.importorskip("numpy")
    inputs = [ag.Value(x) for x in POINT[:300]]
    outputs = ALL[name](inputs)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    names, places = [""] * len(inputs), [""] * len(outputs)
    paths = PathSums(recording.Recording(lambda xs: xs, inputs, names, outputs, places), seeds_of(len(outputs)))
    paths.unseen = [1e-16 * abs(d) for d in paths.flat.steep]
    levels = levels_of(paths.flat)
    assert (levels is None) == (name in ("layer", "length"))  # of few nodes
    for s in range(len(outputs) if levels else 0):
        by_level, by_node = paths.level_by_level(s, levels), paths.node_by_node(s)
        for k in range(len(inputs)):
            room = 8 * by_node.sweep[k]
            assert abs(by_level.exact[k] - by_node.exact[k]) <= room
            for a, b in zip(by_level[1:4], by_node[1:4], strict=True):
                same = pytest.approx(b[k], rel=1e-9, abs=1e-300)
                assert a[k] == same or (name in CHAINS and a is not by_level.sizes and a[k] < b[k])  # ±1 is exact
            assert by_level.hidden[k] <= 100 * by_node.hidden[k] + room
            assert by_node.hidden[k] <= 100 * by_level.hidden[k] + room


@pytest.mark.parametrize("name", sorted(ALL))
def test_node_by_node_the_verdict_is_the_same(monkeypatch, name):
    right = check_gradient(ALL[name], (POINT,))
    monkeypatch.setattr(path_sums, "levels_of", lambda flat: None)
    other = check_gradient(ALL[name], (POINT,))
    assert other.verdict is right.verdict
    assert other.resolution == pytest.approx(right.resolution, rel=0.5) or (name in CHAINS and other.resolution > right.resolution)


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_a_chain_of_additions_is_one_node_whose_terms_are_its_operands(name):
    pytest.importorskip("numpy")
    inputs = [ag.Value(x) for x in POINT]
    outputs = ALL[name](inputs)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    levels = levels_of(FlatGraph(inputs, outputs))
    assert levels is not None
    found = levels.at(POINT, inputs)
    for z in outputs:
        assert found[levels.flat.place[z]] == pytest.approx(z.data, rel=1e-12)


@pytest.mark.parametrize("name", sorted(CHAINS))
@pytest.mark.parametrize("share", [1e-3, 1e-6])
def test_a_fault_in_a_term_of_a_chain_is_seen(name, share):
    @ag.primitive
    def off(x):
        return x

    @off.partials
    def _(x, z):
        return (1.0 + share * (x == POINT[PLACE]),)

    report = check_gradient(lambda xs: ALL[name]([off(x) for x in xs]), (POINT,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "off")
    right = ag.jacobian(lambda xs: ALL[name](xs))(POINT)
    rows = right if isinstance(right[0], list) else [right]
    report = check_gradient(ALL[name], (POINT,), derivative=right)
    assert report.faultless
    rows[-1][PLACE] += max(share * abs(rows[-1][PLACE]), 3 * report.resolution)  # that is what the report promises
    assert check_gradient(ALL[name], (POINT,), derivative=right).verdict is Verdict.WRONG


@pytest.mark.parametrize("slope", [1.0 + 1e-9, 0.0, -1.0])
def test_an_addition_with_a_wrong_local_derivative_is_no_link_of_a_chain(slope):
    def tampered(y, k, x):
        z = y + x * x
        if k == PLACE:
            z._d = slope
        return z

    report = check_gradient(lambda xs: added(xs, tampered), (POINT,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "add")


def test_where_inputs_are_alike_a_rule_is_looked_at_once(monkeypatch):
    looked = []
    monkeypatch.setattr(many_inputs, "quickly", lambda node, moves: looked.append(node) or edges.quickly(node, moves))
    assert check_gradient(lambda xs: ag.sum([(1 - x) ** 2 + ag.dot(xs, xs) * 0.0 for x in xs[:3]] + [x**2 for x in xs]),
                          ([0.0] * COUNT,)).faultless
    assert len([node for node in looked if node.op == "pow"]) <= 2


def test_deep_graphs_go_from_node_to_node():
    def chain(xs):
        y = 0.0
        for x in xs:
            y = ag.tanh(0.5 * y + x)
        return y

    inputs = [ag.Value(x) for x in POINT]
    assert levels_of(FlatGraph(inputs, [chain(inputs)])) is None


def wild(w=1e13):
    """Functions of one number whose digits are lost in rounding, and their derivatives."""
    return {
        "fast sine": (lambda x: 1000 * ag.sin(w * x), lambda x: 1000 * w * math.cos(w * x)),
        "sine between doubles": (lambda x: ag.sin(1e17 * x), lambda x: 1e17 * math.cos(1e17 * x)),
        "fast tangent": (lambda x: ag.tan(w * x), lambda x: w / math.cos(w * x) ** 2),
        "exponential of a sine": (
            lambda x: ag.exp(ag.sin(w * x)),
            lambda x: w * math.cos(w * x) * math.exp(math.sin(w * x)),
        ),
        "sine of an inverse": (lambda x: ag.sin(w / x), lambda x: -w / x**2 * math.cos(w / x)),
        "cancelling": (lambda x: ((x + 1e13) - 1e13) ** 2, lambda x: 2 * x),
        "sine of a power": (
            lambda x: ag.sin(ag.exp(30 * x)),
            lambda x: 30 * math.exp(30 * x) * math.cos(math.exp(30 * x)),
        ),
    }


@pytest.mark.parametrize("name", wild())
@pytest.mark.parametrize("times", [1.0, 1 + 1e-6, 2.0])
@pytest.mark.parametrize("count", [30, 1000])
def test_wild_functions_with_a_derivative_take_few_evaluations(monkeypatch, name, times, count):
    f, slope = wild()[name]
    read = []

    def counted(m, primitive, xs, value_of=local_slopes.value_of):
        read.append(m.context.dps)
        return value_of(m, primitive, xs)

    monkeypatch.setattr(local_slopes, "value_of", counted)
    point = [0.1 + 0.9 * math.sin(k) ** 2 for k in range(count)]
    report = check_gradient(
        lambda xs: ag.sum([f(x) for x in xs]), (point,), derivative=lambda xs: [times * slope(x) for x in xs]
    )
    assert report.verdict in {Verdict.RIGHT, Verdict.WRONG, Verdict.ILL_CONDITIONED}
    if times == 1:
        assert report.verdict is not Verdict.WRONG
    assert len(read) <= 60 * count
    assert max(read, default=0) <= 400
