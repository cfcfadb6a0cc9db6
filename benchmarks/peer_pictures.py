"""The same graphs drawn by micrograd's draw_dot, torchviz, torchview, TorchLens and this library, and how fast.

    pip install micrograd==0.1.0 torch==2.13.0 torchviz==0.0.3 torchview==0.2.7 torchlens==2.36.1
    and Graphviz' program dot
    python benchmarks/peer_pictures.py           prints the tables
    python benchmarks/peer_pictures.py --write   remakes docs/images/peers/ and the tables of docs/pictures.md as well

A number or label counts as shown where the SVG holds it as a word of its own, numbers to 4 digits or decimals; whole
numbers up to 20 are not counted, for they stand in many a text that means something else. A time is the median of
five: from the finished graph to the text of the SVG, Graphviz' program included where a tool needs it.
"""

from __future__ import annotations

import argparse
import gc
import html
import json
import math
import re
import statistics
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS, IMAGES = ROOT / "docs" / "pictures.md", ROOT / "docs" / "images" / "peers"
REPEATS = 5


# --- three graphs, for any class that has + * ** and relu ------------------------------------------------------------


def readme(v):
    """micrograd's README expression."""
    a, b = v["a"], v["b"]
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


def neuron(v):
    """relu(x1 w1 + x2 w2 + b)."""
    return (v["x1"] * v["w1"] + v["x2"] * v["w2"] + v["b"]).relu()


def network(v):
    """An MLP 2-3-1 with relus, and half a squared error."""
    hidden = [(v["x1"] * v[f"u{i}1"] + v["x2"] * v[f"u{i}2"] + v[f"c{i}"]).relu() for i in range(3)]
    out = hidden[0] * v["w0"] + hidden[1] * v["w1"] + hidden[2] * v["w2"] + v["b"]
    return (out - 1.5) ** 2 * 0.5


GRAPHS = {
    "readme": (readme, "micrograd's README expression", {"a": -4.0, "b": 2.0}),
    "neuron": (neuron, "a neuron", {"x1": 2.31, "w1": -1.37, "x2": 0.83, "w2": 1.19, "b": 3.47}),
    "network": (
        network,
        "an MLP 2-3-1 with its loss",
        {"x1": 0.62, "x2": -1.43}
        | {f"u{i}{j}": round(math.sin(7 * i + 3 * j + 1), 3) for i in range(3) for j in (1, 2)}
        | {"c0": 0.91, "c1": 2.63, "c2": 2.38, "w0": 0.74, "w1": -0.58, "w2": 1.27, "b": 0.09},
    ),
}


# --- the tools: each gives a function from the finished graph to SVG --------------------------------------------------


def by_micrograd(build, given):
    from micrograd.engine import Value

    notebook = json.loads((ROOT / "notebooks" / "micrograd_trace_graph.ipynb").read_text())
    source = "".join(notebook["cells"][2]["source"])  # its own trace and draw_dot, word for word
    theirs = {"Value": Value, "Digraph": __import__("graphviz").Digraph}
    exec(source, theirs)
    root = build({name: Value(x) for name, x in given.items()})
    root.backward()
    return lambda: theirs["draw_dot"](root).pipe(encoding="utf-8")


def _tensors(given):
    import torch

    return {name: torch.nn.Parameter(torch.tensor(x, dtype=torch.float64)) for name, x in given.items()}


def by_torchviz(build, given):
    from torchviz import make_dot

    tensors = _tensors(given)
    root = build(tensors)
    root.backward(retain_graph=True)
    return lambda: make_dot(root, params=tensors).pipe(format="svg", encoding="utf-8")


def _model(build, given):
    """The graph as a torch module: its inputs are those whose names begin with x, or all of them."""
    import torch

    tensors = _tensors(given)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, tensor in tensors.items():
                if not name.startswith("x"):
                    self.register_parameter(name, tensor)

        def forward(self, *inputs):
            return build(dict(tensors) | dict(zip(names, inputs, strict=True)))

    names = [name for name in given if name.startswith("x")] or list(given)
    return Model(), [tensors[name].detach() for name in names]


def by_torchview(build, given):
    from torchview import draw_graph

    model, inputs = _model(build, given)

    def drawn():
        graph = draw_graph(model, input_data=inputs, device="cpu", hide_module_functions=False, graph_dir="LR")
        return graph.visual_graph.pipe(format="svg", encoding="utf-8")

    return drawn


def by_torchlens(build, given):
    import tempfile

    import torchlens

    model, inputs = _model(build, given)
    trace = torchlens.trace(model, inputs)

    def drawn():
        with tempfile.TemporaryDirectory() as folder:
            trace.draw(vis_outpath=f"{folder}/graph", vis_fileformat="svg", vis_save_only=True)
            return (Path(folder) / "graph.svg").read_text(encoding="utf-8")

    return drawn


def by_us(build, given):
    import autograd_core as ag

    root = build({name: ag.Value(x, label=name) for name, x in given.items()})
    root.backward()
    return lambda: ag.draw(root, theme="light").svg


TOOLS = {
    "micrograd": (by_micrograd, "micrograd's draw_dot"),
    "torchviz": (by_torchviz, "torchviz"),
    "torchview": (by_torchview, "torchview"),
    "torchlens": (by_torchlens, "TorchLens"),
    "ours": (by_us, "draw"),
}


# --- what can be read -------------------------------------------------------------------------------------------------


def truth(build, given):
    """Every value, gradient, local derivative and label of the graph, and its plain numbers."""
    import autograd_core as ag

    leaves = {name: ag.Value(x, label=name) for name, x in given.items()}
    root = build(leaves)
    root.backward()
    nodes = ag.topological_order(root)
    constants = [n for n in nodes if not n.parents and not n.label]
    named = [n for n in nodes if n not in set(constants)]
    slopes = [d for n in nodes for p, d in zip(n.parents, n.local_grads, strict=True) if p.parents or p.label]
    seen = {n.data for n in nodes} | {n.grad for n in nodes}
    facts = {
        "values": [n.data for n in named],
        "gradients": [n.grad for n in named],
        "local derivatives": [d for d in slopes if d not in seen],  # another factor of a product is shown as a value
        "constants": [n.data for n in constants],
    }
    # Small whole numbers are found in many a text that means something else.
    return {what: [x for x in some if x % 1 or abs(x) > 20] for what, some in facts.items()} | {"labels": list(given)}


def readable(svg):
    """The words of an SVG that one sees, and the numbers among them."""
    body = re.sub(r"(?s)<(style|title|desc)\b.*?</\1>", "", svg)
    body = re.sub(r"</?tspan\b[^>]*>", "", body)  # an index, such as that of x1
    words = html.unescape(" ".join(re.findall(r">([^<>]+)<", body))).replace("−", "-").replace("×", " ").split()
    return set(words), [float(word) for word in words if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", word)]


def shown(facts, svg):
    words, numbers = readable(svg)
    near = lambda x: any(math.isclose(x, y, rel_tol=6e-4, abs_tol=6e-5) for y in numbers)
    return {
        what: (sum(x in words if isinstance(x, str) else near(x) for x in wanted), len(wanted))
        for what, wanted in facts.items()
    }


def seconds(draw):
    took = []
    for _ in range(REPEATS):
        gc.collect()
        start = time.perf_counter()
        draw()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def size(svg):
    """Width and height in CSS pixels; Graphviz writes points."""
    width, height = (re.search(rf'<svg[^>]*? {side}="([\d.]+)(pt)?"', svg) for side in ("width", "height"))
    return " × ".join(f"{float(found[1]) * (4 / 3 if found[2] else 1):.0f}" for found in (width, height))


def table(rows):
    head, *body = rows
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *body]])


def measured(write):
    parts = []
    for graph, (build, title, given) in GRAPHS.items():
        facts = truth(build, given)
        rows = [["", "time", "pixels", "kB", *facts]]
        for tool, (maker, name) in TOOLS.items():
            draw = maker(build, given)
            svg = draw()
            if write:
                (IMAGES / f"{graph}-{tool}.svg").write_text(svg, encoding="utf-8")
            counts = [f"{found} of {total}" if total else "–" for found, total in shown(facts, svg).values()]
            rows.append([name, f"{1000 * seconds(draw):.0f} ms", size(svg), f"{len(svg) / 1000:.1f}", *counts])
        parts.append(f"**{title[0].upper()}{title[1:]}**\n\n{table(rows)}")
    packages = ("micrograd", "torch", "torchviz", "torchview", "torchlens")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return "\n\n".join([*parts, f"Versions: {versions}."])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    tables = measured(arguments.write)
    print(tables)
    if arguments.write:
        page = DOCS.read_text(encoding="utf-8")
        begin, end = "<!-- measured -->\n", "<!-- end -->\n"
        before, rest = page.split(begin)
        DOCS.write_text(f"{before}{begin}\n{tables}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")
