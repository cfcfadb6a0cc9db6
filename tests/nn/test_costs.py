"""The gradient costs a constant times the value, and so does a Hessian-vector product: counted, not timed."""

import importlib.util
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.transforms.recorded import Symbol
from nn.experiments.costs import Cost, LinearTime, counted, linear_time

PATH = Path(__file__).parents[2] / "benchmarks" / "linear_time.py"


def test_products_are_edges_and_those_of_a_hessian_vector_product_a_constant_more():
    found = linear_time(widths=(16, 2, 4, 8), cases=2, repeats=1)
    assert [cost.width for cost in found.costs] == [2, 4, 8, 16]
    for cost in found.costs:
        assert cost.products == cost.edges
        assert cost.hvp_products <= 5 * cost.products
    first, last = found.costs[0], found.costs[-1]
    assert last.edges > 10 * first.edges
    growth = (last.hvp_products / last.products) / (first.hvp_products / first.products)
    assert 0.8 < growth < 1.25
    assert all(0 < seconds < 60 for cost in found.costs for seconds in (cost.value, cost.gradient, cost.next_hvp))


def test_a_gradient_graph_grows_linearly_with_the_uses_of_a_weight():
    """The adjoint of a weight with n uses is one sum of n terms, which is added to in place."""
    sizes = []
    for n in (50, 100, 200):
        w = Value(0.5)
        loss = ag.sum([ag.sin(w * x) for x in range(1, n + 1)])
        [slope] = ag.grad_of(loss, [w], create_graph=True)
        sizes.append(counted(slope)[1])
        assert (slope.op, len(slope.parents)) == ("sum", n)
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])


def test_table_and_plot():
    costs = [Cost(4, 100, 200, 200, 800, 0.001, 0.002, 0.01, 0.004), Cost(8, 200, 400, 400, 1600, 0.002, 0.004, 0.02, 0.008)]
    found = LinearTime(costs)
    head, first, second = str(found).splitlines()
    assert first.split() == ["4", "100", "200", "200", "800", "1", "2", "10", "4", "2.00", "5.00", "2.00"]
    assert len(head) == len(first) == len(second)
    assert repr(found) == str(found)
    assert list(found.pictures()) == ["linear_time.png"]
    left, right = found.plot().axes
    assert [line.get_label() for line in left.lines] == ["value", "gradient", "first Hv", "next Hv", "linear"]
    assert left.lines[0].get_ydata().tolist() == left.lines[-1].get_ydata().tolist() == [1.0, 2.0]
    assert [line.get_ydata().tolist() for line in right.lines] == [[2.0, 2.0], [5.0, 5.0], [2.0, 2.0]]


def test_the_command_prints_the_table_and_draws_it(tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("benchmark_linear_time", PATH)
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    command.main(["--widths", "2", "3", "--repeats", "1", "--plot", str(tmp_path / "times.png")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["width", "2", "3"]
    assert (tmp_path / "times.png").stat().st_size > 1000
    command.main(["--widths", "2", "--repeats", "1"])


def test_sizes_that_make_no_sense_are_refused():
    for widths in ([], 3):
        with pytest.raises(ag.StructureError, match="linear_time: widths: expected a list of at least one int"):
            linear_time(widths=widths)
    for options in ({"widths": [0]}, {"cases": 0}, {"repeats": 0}):
        with pytest.raises(ag.RangeError, match="linear_time: .* expected at least 1"):
            linear_time(**options)


def test_the_garbage_collector_is_left_as_it_was():
    import gc

    gc.disable()
    try:
        linear_time(widths=[1], cases=1, repeats=1)
        assert not gc.isenabled()
    finally:
        gc.enable()
    linear_time(widths=[1], cases=1, repeats=1)
    assert gc.isenabled()


def test_the_terms_of_an_adjoint_are_collected_in_place():
    """A sum that was copied for each of the n uses of a weight would take n^2 / 2 copies."""
    adjoint = first = Symbol(Value(1.0))
    terms = first.terms
    for _ in range(3):
        adjoint += Symbol(Value(1.0))
    assert adjoint is first
    assert adjoint.terms is terms
    assert adjoint.total.data == 4.0
    assert len(terms) == 1  # the sum stands for them


def test_the_ticks_are_the_sizes_measured():
    """Numbers between powers of ten overlapped."""
    found = linear_time(widths=[2, 4], cases=1, repeats=1)
    for axes in found.plot().axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == [f"{cost.edges:,}" for cost in found.costs]
        assert not axes.get_xticklabels(minor=True)
