"""Plates: which repeated structure is drawn once, what stands for what, and the signals of all copies."""

import itertools
import math
import re
import xml.etree.ElementTree as ET
from contextlib import nullcontext
from decimal import Decimal

import graphs
import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import draw, text
from autograd_core._src.pictures.scene.build_scene import scene_of
from autograd_core._src.pictures.scene.cards import CAPTION_FONT
from autograd_core._src.pictures.scene.plates import ADDS, ADDS_TO, COLUMN, LEAST_COLUMN, MOST_BARS, column_width
from autograd_core._src.pictures.view.folding import view_of


def rnn(steps=10, units=3):
    outs, _ = nn.RNN(1, units, seed=0)([[ag.Value(t / 10, label=f"x{t}")] for t in range(steps)])
    return ag.sum(outs[-1])


def lstm(steps=4):
    outs, _ = nn.LSTM(1, 2, seed=0)([[t / 10] for t in range(steps)])
    return ag.sum([h for out in outs for h in out])  # something is read off every step


def conv():
    outs = nn.Conv1d(1, 2, 3, seed=0)([[i / 10 for i in range(8)]])
    return ag.sum([z for row in outs for z in row])


def batch(loss=nn.sse, total=ag.sum):
    points, targets = nn.datasets.xor()
    net = nn.MLP(2, [2, 1], "sigmoid", seed=0)
    return total([loss(net(x), y) for x, y in zip(points, targets, strict=True)])


def cells(steps=10, *, scopes=True, first=True, label="x{}"):
    """A recurrence by hand."""
    w, u, b = (ag.Value(x, label=name) for x, name in ((0.5, "w"), (-0.3, "u"), (0.1, "b")))
    h = ag.Value(0.2, label="h0") if first else None
    for t in range(steps):
        with ag.scope(f"step{t}") if scopes else nullcontext():
            x = ag.Value(t / steps, label=label.format(t))
            h = (u * x + b).tanh() if h is None else (w * h + u * x + b).tanh()
    return (h - 1.0) ** 2


def cases(n=4):
    w, v, b = (ag.Value(x, label=name) for x, name in ((0.5, "w"), (-0.2, "v"), (0.1, "b")))
    losses = []
    for k in range(n):
        with ag.scope(f"case{k}"):
            x, y, t = (ag.Value(float(z), label=name) for z, name in ((k % 2, "x"), (k // 2, "y"), (k == 3, "t")))
            losses.append(((w * x + v * y + b).sigmoid() - t) ** 2)
    return ag.sum(losses)


def uses(n=200):
    w = ag.Value(0.9, label="w")
    return ag.sum([(w * (k / n)).tanh() for k in range(n)])


def products(n=30):
    x = ag.Value(0.7, label="x")
    return ag.sum([x * float(k) for k in range(n)])


def powers(n=200):
    w, s = ag.Value(0.9, label="w"), ag.Value(1.0, label="s")
    for _ in range(n):
        s = (w * s).tanh()
    return s


GRAPHS = {  # graph, name of the plate
    "rnn": (rnn, "10 × step"),
    "lstm": (lstm, "4 × step"),
    "conv": (conv, "6 × patch"),
    "batch": (batch, "4 × case"),
    "batch of cross entropies": (lambda: batch(nn.binary_cross_entropy_with_logits), "4 × case"),
    "batch by Python's sum": (lambda: batch(total=sum), "4 × case"),
    "batch by its mean": (lambda: batch(total=ag.mean), "4 × case"),
    "scopes of steps": (cells, "10 × step"),
    "steps without scopes": (lambda: cells(scopes=False), "10 × step"),
    "a first step that differs": (lambda: cells(first=False), "9 × step"),
    "inputs of one name": (lambda: cells(label="x"), "10 × step"),
    "scopes of cases": (cases, "4 × case"),
    "uses of one weight": (uses, "200 × case"),
    "products of one value": (products, "30 × term"),
    "a chain": (powers, "200 × step"),
}


@pytest.fixture(params=sorted(GRAPHS))
def plated(request):
    make, name = GRAPHS[request.param]
    root = make()
    root.backward()
    return root, view_of([root], plates=None), name


def test_repeated_structure_is_one_plate(plated):
    _, view, name = plated
    [plate] = view.plates
    assert view.tree.scopes[plate.scope].name == name
    assert len(plate.names) == len({*plate.names}) == int(name.split()[0])
    assert len(view.shown) + len(view.hidden) + len(view.graph.constants) == len(view.graph.order)
    assert view.shown.isdisjoint(view.hidden)


def test_what_stands_for_a_node_does_the_same(plated):
    _, view, _ = plated
    for v, (there, _) in view.hidden.items():
        a, b = view.graph.order[v], view.graph.order[there]
        assert (a.op, len(a.parents)) == (b.op, len(b.parents))
        assert there in view.shown
        for p, q in zip(a.parents, b.parents, strict=True):  # the same weight, or something of their own
            u, r = view.graph.index[p], view.graph.index[q]
            assert u == r or r not in view.plates[0].copies.shared


def test_signals_are_the_gradients_and_shares_add_up_to_those_of_the_weights(plated):
    _, view, _ = plated
    [plate] = view.plates
    graph = view.graph
    for k, signal in enumerate(plate.signals(graph)):
        nodes = {*plate.copies.nodes[k]}
        out = [v for v in nodes if v in graph.roots or any(w not in nodes for w in graph.users[v])]
        assert signal == pytest.approx(math.sqrt(sum(graph.grads[v] ** 2 for v in out)), rel=1e-12)
    weights = [u for u in plate.copies.shared if graph.is_leaf(u)]
    used_elsewhere = {w for u in weights for w in graph.users[u]} - {v for copy in plate.copies.nodes for v in copy}
    shares = plate.shares(graph)
    if len(weights) == 1 and not used_elsewhere:
        assert math.fsum(shares) == pytest.approx(graph.grads[weights[0]], rel=1e-12)
    assert len(weights) >= 1
    assert math.fsum(map(abs, shares)) >= math.hypot(*(graph.grads[u] for u in weights)) * (1 - 1e-12) or used_elsewhere


@pytest.mark.parametrize(("direction", "style"), [("LR", "full"), ("TB", "compact")])
def test_all_edges_are_drawn(plated, direction, style):
    root, view, name = plated
    scene = scene_of(view, direction)
    for i, card in scene.cards.items():
        for port in card.ports:
            assert port.is_constant or port.source in scene.cards.keys() - {i}
    svg = ET.fromstring(draw(root, direction=direction, style=style).svg)
    words = ["".join(x.itertext()) for x in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert name in words
    assert f"× {name.split()[0]}" in words
    assert sum("part of the gradient of" in x for x in words) == 1


def test_a_leaf_that_has_a_card_has_an_edge(plated):
    """A first state, and inputs of copies that are not shown, are not left alone."""
    _, view, _ = plated
    scene = scene_of(view, "LR")
    sources = {port.source for card in scene.cards.values() for port in card.ports}
    for i, card in scene.cards.items():
        assert card.kind == "plate" or card.is_root or i in sources, card.label


def test_all_copies_are_shown_where_one_asks_for_them(plated):
    root, view, name = plated
    [plate] = view.plates
    if plate.names[0].startswith(("step ", "case ", "term ")):  # found, not named by the user
        asked = [{"plates": False}, {"fold": None}]
    else:
        asked = [{"plates": False}, {"fold": None}, {"unfold": f"*{plate.names[1]}"}]
        if "/" in view.tree.scopes[plate.scope].path:
            asked[-1] = {"unfold": f"*/{plate.names[1]}"}
    for options in asked:
        assert not view_of([root], **{"plates": None, **options}).hidden
    assert view_of([root], plates=None).hidden
    assert name not in draw(root, plates=False).svg


def test_a_highlighted_path_goes_through_all_copies():
    root = rnn(4)
    leaf = next(node for node in ag.topological_order(root) if node.label == "x0")
    root.backward()
    assert not draw(root, highlight=ag.top_paths(root, leaf, 1)[0])._view.plates
    assert draw(root, plates=True)._view.plates


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(2, [8, 1]), (4, [4, 4, 4, 4]), (3, [3, 3, 3, 1])])
def test_units_and_layers_with_weights_of_their_own_are_no_copies(sizes, bias):
    nin, nouts = sizes
    xs = [ag.Value(k / 3, label=f"x{k}") for k in range(nin)]
    out = nn.MLP(nin, nouts, "tanh", seed=0, bias=bias)(xs)
    root = ag.sum(out) if isinstance(out, list) else out
    assert not view_of([root], plates=True).plates


@pytest.mark.parametrize("make", [graphs.unrolled, lambda: graphs.rosenbrock(20), graphs.tangled, graphs.guards])
def test_what_is_between_copies_or_not_quite_alike_stays(make):
    assert not view_of([make()], plates=True).plates


def test_small_graphs_show_all_copies():
    assert not draw(cells(3))._view.plates or len(draw(cells(3), plates=False)._view.shown) > 20


def test_before_backward_a_plate_has_no_signal():
    svg = draw(rnn()).svg
    assert "10 × step" in svg
    assert "|gradient|" not in svg


def test_plates_within_plates():
    net = nn.RNN(1, 2, seed=0)
    losses = []
    for k in range(5):
        outs, _ = net([[ag.Value((t + k) / 10)] for t in range(6)])
        losses.append((ag.sum(outs[-1]) - k) ** 2)
    root = ag.sum(losses)
    root.backward()
    view = view_of([root], plates=None)
    assert [view.tree.scopes[p.scope].name for p in view.plates]
    assert len(draw(root)._frame.scene.cards) < 60


def test_a_long_recurrence_is_on_one_screen():
    root = rnn(10, 4)
    root.backward()
    width, height = draw(root)._frame.size()
    assert width < 1100
    assert height < 1100


@pytest.mark.parametrize("loss", [nn.mse, nn.sse, nn.binary_cross_entropy])
@pytest.mark.parametrize("count", [4, 10])
def test_a_table_has_what_is_wanted_of_each_case(loss, count):
    """A row of the targets below what the net gives, or a column beside it."""
    net = nn.MLP(2, [3, 1], "tanh", output="sigmoid", seed=0)
    inputs = [[float(k % 2), float(k % 3)] for k in range(count)]
    targets = [float(k % 4 == 1) for k in range(count)]
    outputs = [net(x) for x in inputs]
    root = loss(outputs, targets)
    root.backward()
    picture = draw(root, fold=["layer1"], plates=True)
    [card] = [card for card in picture._frame.scene.cards.values() if card.kind == "plate"]
    rows = card.table
    if count > 4:  # a column each, whose head is two rows high
        above, *below = zip(*card.table, strict=True)
        rows = [above[1:], *((f"{what} {head}".strip(), *numbers) for what, head, *numbers in below)]
    lines = {head: numbers for head, *numbers in rows}
    [wanted] = [head for head in lines if head.startswith("target")]
    name = wanted.removeprefix("target ").removeprefix("of ")
    assert lines[wanted] == [str(int(t)) for t in targets]
    assert [float(x.replace("−", "-")) for x in lines[name]] == pytest.approx([y.data for y in outputs], rel=6e-3)
    assert f"|gradient| of {name}" in card.strips[0].caption


def test_bars_are_logarithmic_where_they_differ_widely():
    root = powers(40)
    root.backward()
    svg = draw(root).svg
    assert re.search(r"\|gradient\| of tanh \(log\)", svg)
    heights = [float(h) for h in re.findall(r'<rect class="strip[^"]*"[^>]* height="([\d.]+)"', svg.partition('class="plate')[2])][:40]
    assert heights == sorted(heights)
    assert heights[-1] == 20


def test_a_signal_that_fades_over_many_decades_is_never_drawn_as_level():
    x = ag.Value(1.0, label="x")
    root = x
    for _ in range(10):
        root = ag.tanh(root * 0.1)
    root.backward()
    [card] = [card for card in draw(root, plates=True)._frame.scene.cards.values() if card.kind == "plate"]
    bars = card.strips[0].bars
    assert card.strips[0].caption.endswith("(log)")
    steps = [b - a for a, b in itertools.pairwise(bars)]
    assert min(steps) > 0.05
    assert max(steps) < 2 * min(steps)  # the factors are nearly equal


@pytest.mark.parametrize("top", [0, 1, 3])
def test_the_case_that_pulls_most_is_marked(top):
    """With its number, also where it is at an end or others are nearly as large; equal ones are not."""
    w = ag.Value(1.0, label="w")
    root = ag.sum([(ag.tanh(w * 0.5) - 0.9 - 0.01 * (k == top)) ** 2 for k in range(4)])
    root.backward()
    [card] = [card for card in draw(root, plates=True)._frame.scene.cards.values() if card.kind == "plate"]
    value, share = card.strips
    assert "▲" not in f"{value.first}{value.most}{value.last}"
    marked = [said for said in (share.first, share.most, share.last) if said.endswith(" ▲")]
    assert [said.partition(":")[0] for said in marked] == [f"case {top + 1}"]


def test_a_plate_tells_whose_inputs_have_the_most_influence():
    xs = [[ag.Value(0.1 * k, label=f"x{k}"), ag.Value(1.0 - 0.2 * k, label=f"y{k}")] for k in range(4)]
    net = nn.MLP(2, [2, 1], "tanh", seed=1)
    root = nn.mse([net(x) for x in xs], [[1.0], [0.0], [1.0], [-2.0]])
    root.backward()
    [card] = [card for card in draw(root)._frame.scene.cards.values() if card.kind == "plate"]
    strip = card.strips[2]
    assert strip.caption.startswith("|gradient| of its 2 inputs")
    norms = [math.hypot(*(x.grad for x in case)) for case in xs]
    top = norms.index(max(norms))
    [marked] = [said for said in (strip.first, strip.most, strip.last) if "▲" in said]
    assert float(marked.removeprefix(f"case {top + 1}: ").removesuffix(" ▲")) == pytest.approx(norms[top], rel=0.01)


def test_a_leaf_that_all_share_shows_what_each_copy_adds(plated):
    _, view, _ = plated
    [plate] = view.plates
    graph = view.graph
    scene = scene_of(view, "LR")
    parts = plate.parts(graph)
    outside = {v for v in range(len(graph.order)) if all(v not in copy for copy in plate.copies.nodes)}
    for u in parts[0]:
        card = scene.cards.get(u)
        numbers = [sums[u] for sums in parts]
        if card is None or card.is_row or card.kind != "node" or not any(numbers):
            continue
        if outside.isdisjoint(graph.users[u]):
            assert math.fsum(numbers) == pytest.approx(graph.grads[u], rel=1e-9, abs=1e-15)
        if len(numbers) > MOST_BARS:  # the strip of the plate has the largest of several
            assert card.parts == ()
            continue
        largest = max(map(abs, numbers))
        assert card.parts == pytest.approx([x / largest for x in numbers])
        assert f"{plate.names[0]}: " in card.title


def textbook_names(graph, plate):
    """What a book would call the values of a copy: a unit's output is the unit's."""
    nodes = plate.copies.nodes[plate.shown]
    ops = [graph.order[v].op for v in nodes if not graph.labels[v]]
    names = {}
    for v in nodes:
        op, box = graph.order[v].op, graph.order[v].scope
        is_output = "neuron" in box and not any(v in graph.operands[w] and graph.order[w].scope == box for w in nodes)
        alone = op if op in ("dot", "sum") and ops.count(op) == 1 else graph.bare(v)
        names[v] = graph.bare(v) if graph.labels[v] else box.replace("/", ".") if is_output else alone
    return names


@pytest.mark.parametrize("make", [batch, lambda: powers(40), lambda: graphs.perceptron(4, (2, 3, 1))])
def test_outputs_of_units_are_called_by_their_unit(make):
    """ "v14" is a name within one copy, and says nothing of the others; only what cards show by a sign is left with it."""
    root = make()
    root.backward()
    view = view_of([root], plates=True)
    [card] = [card for card in scene_of(view, "LR").cards.values() if card.kind == "plate"]
    told = " ".join([strip.caption for strip in card.strips] + [said for row in card.table for said in row])
    graph = view.graph
    for v, node in enumerate(graph.order):
        if re.fullmatch(r"v\d+", graph.bare(v)) and node.op in ("tanh", "sigmoid"):
            assert not re.search(rf"\b{graph.bare(v)}\b", told)


@pytest.mark.parametrize(
    ("make", "names"), [(batch, ["case 1", "case 2", "case 3", "case 4"]), (lambda: rnn(3, 1), ["step0", "step1", "step2"])]
)
def test_few_copies_have_a_table_of_the_slopes_that_differ(make, names):
    root = make()
    root.backward()
    view = view_of([root], plates=True)
    [plate], graph = view.plates, view.graph
    scene = scene_of(view, "LR")
    [card] = [card for card in scene.cards.values() if card.kind == "plate"]
    head, *rows = card.table
    assert head == ("", *names)
    nodes = plate.copies.nodes
    called = textbook_names(graph, plate)
    wanted = {}
    for place, v in enumerate(nodes[plate.shown]):
        here = [copy[place] for copy in nodes]
        wanted[called[v]] = [graph.data[u] for u in here]
        wanted[f"gradient of {called[v]}"] = [graph.grads[u] for u in here]
        changing = [j for j, p in enumerate(graph.order[v].parents) if not isinstance(p, Constant)]
        for j in changing:
            u = graph.index[graph.order[v].parents[j]]
            handed_on = "↻" if any(u in copy for copy in nodes[: plate.shown]) else ""
            name = f"∂{called[v]}/∂{handed_on}{called.get(u, graph.bare(u))}"
            wanted[f"slope of {called[v]}" if len(changing) == 1 else name] = [graph.order[w].local_grads[j] for w in here]
    assert [row for row in rows if row[0].startswith("∂")]
    assert [row for row in rows if row[0].startswith("slope of ")]
    assert [row for row in rows if not row[0].startswith(("∂", "slope of "))]
    cut = [row[0] for row in rows].index(ADDS)
    assert cut < len(rows) - 1
    for name, *said in rows[:cut]:
        if name.startswith("target of "):
            assert said == [str(int(y)) for y in nn.datasets.xor()[1]]
            continue
        assert len(set(wanted[name])) > 1
        assert all(x == "–" or rounds_to(w, x) for w, x in zip(wanted[name], said, strict=True)), name
        assert name in card.title
    functions = [v for v in nodes[plate.shown] if len(graph.order[v].parents) == 1]
    assert {called[v] for v in functions} <= {row[0] for row in rows}  # what each case predicts
    chips = {port.chip for i in plate.copies.nodes[plate.shown] if i in scene.cards for port in scene.cards[i].ports}
    shown = names[plate.shown]
    assert any("×" + row[names.index(shown) + 1] in chips for row in rows)


def told_parts(card):
    """By leaf: what the table of a plate says that each copy adds to its gradient."""
    if ADDS not in [row[0] for row in card.table]:  # a row for every copy
        above, head, *rows = card.table
        return {head[k]: [row[k] for row in rows] for k, said in enumerate(above) if said == ADDS_TO}
    at = [row[0] for row in card.table].index(ADDS)
    found = {}
    for name, *said in card.table[at + 1 :]:
        found |= dict.fromkeys(name.split(", "), said)
    return found


@pytest.mark.parametrize(
    "make", [batch, lambda: batch(total=ag.mean), lambda: rnn(3, 1), lambda: rnn(3, 2), lambda: rnn(10, 2), cases, lambda: cells(8)]
)
def test_a_table_says_what_each_copy_adds_to_the_gradient_of_a_weight(make):
    root = make()
    root.backward()
    view = view_of([root], plates=True)
    view = view._replace(opened=frozenset(range(len(view.tree.scopes))))
    [plate], graph = view.plates, view.graph
    [card] = [card for card in scene_of(view, "LR").cards.values() if card.kind == "plate"]
    told = told_parts(card)
    called = {name: u for u in plate.parts(graph)[0] for name in (graph.bare(u), graph.names[u])}
    weights = [*told]
    assert weights
    for name in weights:
        u = called[name]
        parts = [sums[u] for sums in plate.parts(graph)]
        if [graph.bare(w) for w in plate.parts(graph)[0]].count(name) > 1:
            continue
        assert all(rounds_to(x, said) for x, said in zip(parts, told[name], strict=True)), name
        assert told[name] == [text.number(x) for x in parts]  # with fewer digits they would not add up as they stand
        used = {v for copy in plate.copies.nodes for v in copy}
        if used.issuperset(graph.users[u]):
            assert math.fsum(parts) == pytest.approx(graph.grads[u], rel=1e-9, abs=1e-15)
    sizes = sorted((abs(graph.grads[u]) for u in plate.parts(graph)[0]), reverse=True)
    assert max(abs(graph.grads[called[name]]) for name in weights) == pytest.approx(sizes[0])  # the largest is told of


def test_columns_of_a_table_have_room_for_what_stands_in_them():
    for make in (batch, lambda: rnn(10, 2), lambda: cells(8)):
        root = make()
        root.backward()
        for card in draw(root, plates=True)._frame.scene.cards.values():
            for row in card.table:
                assert all(text.extent(said, CAPTION_FONT) <= column_width(card.table) for said in row[1:])
            assert not card.table or LEAST_COLUMN <= column_width(card.table) < 1.3 * COLUMN
            assert len({len(row) for row in card.table}) <= 1


def rounds_to(x, said):
    """Whether a printed number is another one, rounded to the digits that are printed."""
    said = said.replace("−", "-").replace("+", "")
    if " " in said:  # 1 − 2e−7
        whole, sign, rest = said.split(" ")
        x, said = (x - float(whole)) * (-1 if sign == "-" else 1), rest
    return abs(Decimal(x) - Decimal(said)) <= Decimal("0.5001") * Decimal(10) ** Decimal(said).as_tuple().exponent


def test_a_table_tells_of_cases_whose_neurons_are_folded():
    net = nn.MLP(2, [3, 3], "tanh", seed=1)
    points = [[0.5, -1.0], [1.0, 2.0], [-1.0, 0.3], [0.2, 0.9]]
    root = nn.cross_entropy([net(x) for x in points], [1, 0, 2, 1])
    root.backward()
    picture = draw(root)
    [card] = [card for card in picture._frame.scene.cards.values() if card.kind == "plate"]
    assert [row[0] for row in card.table] == [
        "", *(f"{of}neuron{k}" for of in ("", "target of ", "gradient of ") for k in range(3)),
    ]  # fmt: skip
    assert [row[1:] for row in card.table[4:7]] == [tuple(str(int(k == t)) for t in (1, 0, 2, 1)) for k in range(3)]
    for k, x in enumerate(points):
        for j, z in enumerate(net(x)):
            assert rounds_to(z.data, card.table[1 + j][1 + k])
    for name, *said in card.table[7:]:
        target = f"neuron{[1, 0, 2, 1][0]}"
        assert (said[0][0] == "−") == name.endswith(target)  # p − y is below 0 for the class alone that is right


@pytest.mark.parametrize("style", ["full", "compact"])
def test_cards_of_both_styles_have_the_bars_of_the_copies(style):
    root = batch()
    root.backward()
    svg = ET.fromstring(draw(root, style=style).svg)
    leaves = [g for g in svg.iter() if "leaf" in g.get("class", "").split()]
    assert len(leaves) == 9
    for leaf in leaves:
        found = [x for x in leaf.iter() if x.get("class", "").startswith("strip")]
        assert len(found) == 4
        [face] = [x for x in leaf.iter() if x.get("class") == "face"]
        assert all(float(x.get("y")) + float(x.get("height")) <= float(face.get("height")) for x in found)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.RNN])
def test_what_is_handed_on_is_called_as_in_its_box_and_told_apart(kind):
    outs, _ = kind(1, 1, seed=0)([[t / 10] for t in range(4)])
    root = ag.sum(outs[-1])
    root.backward()
    cards = draw(root, plates=True)._frame.scene.cards.values()
    [stub] = [card for card in cards if card.kind == "stub"]
    assert re.fullmatch(r"↻ (c\[0\], )?h\[0\] of step2", stub.label)
    [plate] = [card for card in cards if card.kind == "plate"]
    assert any("/∂↻c[0]" in row[0] for row in plate.table) == (kind is nn.LSTM)  # by h[0] it is a weight, as in all steps
    assert len({row[0] for row in plate.table}) == len(plate.table)


def test_a_table_that_is_too_long_says_how_much_is_left_out():
    net = nn.MLP(3, [3, 1], "tanh", seed=0)
    root = ag.sum([(net([0.1 * k, 0.2, -0.3 * k]) - 1.0) ** 2 for k in range(4)])
    root.backward()
    view = view_of([root], plates=True)
    view = view._replace(opened=frozenset(range(len(view.tree.scopes))))
    [card] = [card for card in scene_of(view, "LR").cards.values() if card.kind == "plate"]
    assert re.fullmatch(r"and \d+ more", card.table[-1][0])
    assert len({row[0] for row in card.table}) == len(card.table)
    assert any(row[0] for row in card.table)


def test_numbers_of_a_table_are_never_cut():
    x = ag.Value(1e-150, label="x")
    root = ag.sum([(x * c).sinh().tanh() for c in (1.23456e-120, -9.87654e-130, 3.0)])
    root.backward()
    view = view_of([root], plates=True)
    for card in scene_of(view, "LR").cards.values():
        for row in card.table[1:]:
            if row[0] == ADDS:
                continue
            assert all(re.fullmatch(r"[−+]?[\d.]+(e[−+]?\d+)?|–|…|1 [−+] .*", x) for x in row[1:]), row


def test_bars_hang_from_a_line_where_some_are_negative():
    from autograd_core._src.pictures.render.card_svg import bars

    def boxes(sizes):
        return [
            tuple(float(v) for v in re.search(r'y="([\d.]+)" .*height="([\d.]+)"', bar).groups())
            for bar in bars(sizes, (0.0, 10.0, 90.0, 20.0))
        ]

    assert boxes([1.0, 0.5]) == [(10.0, 20.0), (20.0, 10.0)]
    assert boxes([1.0, -0.5, 0.5]) == [(10.0, 10.0), (20.0, 5.0), (15.0, 5.0)]


def test_few_terms_of_a_sum_are_all_shown():
    assert not view_of([products(7)], plates=True).plates


def a_batch_of_saturated_units():
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    for p in model.parameters():
        p.data *= 6
    inputs, targets = nn.datasets.xor()
    return nn.mse([model(x) for x in inputs], targets)


def test_a_mark_on_a_copy_that_is_not_shown_says_on_which():
    """The unit that is shown has slope 1 at 0; those of other cases are saturated."""
    svg = ag.conditioning(a_batch_of_saturated_units()).draw().svg
    assert svg.count(">case 2: saturated<") == 2
    assert ">saturated<" not in svg


def test_a_table_has_room_for_how_far_a_number_is_from_1():
    root = a_batch_of_saturated_units()
    root.backward()
    plate = next(card for card in ag.draw(root)._frame.scene.cards.values() if card.kind == "plate")
    assert next(row for row in plate.table if row[0] == "layer1.neuron0")[1:4] == ("0", "1 − 8.1e−8", "−1 + 3e−8")
    assert not any("…" in said for row in plate.table for said in row[1:])


def test_a_number_leaves_room_for_its_caption():
    y = ag.tanh(ag.Value(-8.956, label="x"))
    assert ">−1 + 3e−8<" in ag.draw(y).svg
