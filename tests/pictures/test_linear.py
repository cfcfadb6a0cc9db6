"""Pictures, steps and explanations take work linear in the graph: lines run and operands read, counted as n doubles."""

import sys

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.notation.formulas import expression
from autograd_core._src.pictures import draw_dot

SIZES = (40, 80, 160, 320)
# Work w(n) is linear if w(2n) <= 2 w(n), or if its increase doubles at most; it is 4 times in a quadratic process.
# Where the layout changes between two sizes, one of them jumps; then the next size tells.
TWICE, INCREASE = 2.2, 2.8


def is_linear(a, b, c):
    """Of the work at n, 2n and 4n."""
    return c < TWICE * b or c - b < INCREASE * (b - a)


class Work:
    """Counts the lines that are run within a `with`, calls and returns, and the operands that nodes hand out."""

    def __init__(self, monkeypatch):
        self.count = 0
        for name in ("parents", "local_grads"):
            monkeypatch.setattr(Value, name, self._counted(getattr(Value, name)))

    def _counted(self, given):
        def read(node):
            operands = given.fget(node)
            self.count += len(operands)
            return operands

        return property(read, given.fset)

    def __enter__(self):
        self.count = events = 0

        def counted(_frame, _event, _arg):  # called for each event: no attribute, no comparison
            nonlocal events
            events += 1
            return counted

        self._events = lambda: events
        self._before = sys.gettrace()
        sys.settrace(counted)

    def __exit__(self, *_):
        sys.settrace(self._before)
        self.count += self._events()


def values(n):
    return [Value(0.01 * i, label=f"x{i}") for i in range(n)]


def chained(n):
    x = y = Value(0.5, label="x")
    for i in range(n):
        y = ag.sin(y) if i % 2 else y * x
    return y


def layered(n):
    x, units = Value(0.5, label="x"), []
    for i in range(n // 4):
        with ag.scope(f"layer{i % 3}"), ag.scope(f"unit{i}"):
            units.append(ag.tanh(x * Value(0.1, label="w") + 1))
    return ag.sum(units)


GRAPHS = {
    "sum of leaves": lambda n: ag.sum(values(n)),
    "sum of products": lambda n: ag.sum([x * 2 for x in values(n // 2)]),
    "sum of constants": lambda n: ag.sum([Value(1.0), *[2.0] * n]),
    "one operand many times": lambda n: ag.sum([Value(3.0, label="x")] * n),
    "one leaf used often": lambda n: ag.sum([ag.sin(x) for x in [Value(1.0, label="x")] * n]),
    "dot": lambda n: ag.dot(values(n // 2), values(n // 2)),
    "max of equal names": lambda n: ag.max([Value(0.5, label="x") for _ in range(n)]) * 2,
    "chain": chained,
    "scopes": layered,
    "product of zeros": lambda n: ag.prod([x * 0.0 for x in [Value(1.0, label="x")] * n]),
}
FLAT = {"one operand many times", "one leaf used often", "product of zeros"}  # n short paths lead to a leaf


def stepped(root):
    stepper = ag.Stepper(root)
    stepper._repr_html_()
    for k in (0, len(stepper) // 2, len(stepper) - 1):
        stepper.goto(k)
        str(stepper)


ACTIONS = {
    "svg": lambda root: ag.draw(root).svg,
    "nothing folded": lambda root: ag.draw(root, fold=None).svg,
    "html": lambda root: ag.draw(root)._repr_html_(),
    "draw_dot": lambda root: draw_dot(root).source,
    "around": lambda root: ag.draw(root, around=root.parents[0], hops=1).svg,
    "expression": expression,
    "Stepper": stepped,
    "steps": lambda root: [(s.formula, s.latex) for s in (*ag.forward_steps(root), *ag.backward_steps(root))],
    "explain": lambda root: str(ag.explain(root, ag.topological_order(root)[0])),
    "conditioning": lambda root: str(ag.conditioning(root)),
    "highlight": lambda root: ag.draw(root, highlight=list(ag.top_paths(root, ag.topological_order(root)[0], 3))).svg,
}


OF_PATHS = {
    "every path": lambda root: [str(path) for path in ag.paths(root, ag.topological_order(root)[0])],
    "every path highlighted": lambda root: ag.draw(root, highlight=ag.paths(root, ag.topological_order(root)[0])).svg,
}
# Up to forty pictures, or one large one; each graph has some cards that the others have not.
TELLING = {"html": ("sum of products", "scopes"), "nothing folded": ("sum of leaves", "sum of products", "dot", "scopes")}
# Scopes fold from 160 nodes on; below, arrangements are tried, and what is not folded is most work of all.
SCALES = {"nothing folded": 0.6, "scopes": 4}


@pytest.mark.parametrize(
    ("action", "graph"),
    [
        *((action, graph) for action in ACTIONS for graph in TELLING.get(action, GRAPHS)),
        *((action, graph) for action in OF_PATHS for graph in GRAPHS if graph in FLAT),
    ],
)
def test_work_is_linear(action, graph, monkeypatch):
    act = (ACTIONS | OF_PATHS)[action]
    work = Work(monkeypatch)
    counts = []
    act(GRAPHS[graph](8))  # what is made once is made now
    scale = SCALES.get(action) or SCALES.get(graph, 1)
    for n in (int(size * scale) for size in SIZES):
        root = GRAPHS[graph](n)
        root.backward()
        with work:
            act(root)
        counts.append(work.count)
        if len(counts) > 2 and is_linear(*counts[-3:]):
            return
    pytest.fail(f"{action} of {graph}: work {counts} at {scale} times {SIZES}")


def test_quadratic_work_is_noticed(monkeypatch):
    work = Work(monkeypatch)
    counts = []
    for n in SIZES:
        root = ag.sum(values(n))
        with work:
            [root.parents[i].data for i in range(n)]  # an operand at a time, which reads all of them each time
        counts.append(work.count)
    assert not is_linear(*counts[:3])
    assert not is_linear(*counts[1:])
