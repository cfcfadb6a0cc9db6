"""The recursion of error signals unit by unit, as formulas: delta_k = delta_o w_ko sigma(s_k) (1 - sigma(s_k))."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..notation import latex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..support.names import Names
    from .layers_by_name import ForwardPass, Unit

CLOSE = 1e-9  # the recursion's sum, against what the sweep found


@dataclass(frozen=True, slots=True)
class UnitSignal:
    """The error signal of one unit, and the two factors that the recursion makes it from.

    Attributes:
        name: "layer1/neuron0".
        sum: The weighted sum s.
        output: z = f(s).
        slope: f'(s).
        arriving: dE/dz by the recursion: the sum, over the units k that z goes to, of w from here to k times
            delta_k; what else z goes to, such as the loss, adds its derivative.
        delta: dE/ds, as `backward()` finds it.
        recursive: slope * arriving; in a softmax within a network the sum of that over its outputs.
    """

    name: str
    sum: float
    output: float
    slope: float
    arriving: float
    delta: float
    recursive: float


class Formula(NamedTuple):
    """A formula, as text and as LaTeX."""

    text: str
    latex: str


class Top(NamedTuple):
    """What the loss gives to an output: its derivative to it, and to its weighted sum where that is shorter."""

    to_output: Formula | None
    to_sum: Formula | None


def signal_formulas(
    run: ForwardPass, signals: dict[str, UnitSignal], names: Names | None, tops: Mapping[str, Top]
) -> dict[str, Formula]:
    """The formula of each unit's error signal, by the library's name of the unit; the last layer first."""
    units = [unit for layer in reversed(run.layers.values()) for unit in layer]
    found = {}
    for layer in reversed(run.layers.values()):
        for unit in layer:
            if unit.is_share:
                found[unit.name] = _through_softmax(unit, layer, units, names)
            else:
                found[unit.name] = _signal(unit, units, signals, names, tops.get(unit.name))
    return found


def _through_softmax(unit: Unit, layer: tuple[Unit, ...], units: list[Unit], names: Names | None) -> Formula:
    """The sum, over the outputs of a softmax, of what arrives there times its derivative to this unit's sum."""
    delta, s = _name(names, f"signal {unit.name}"), _name(names, f"sum({unit.name})")
    parts = []
    for mate in layer:
        terms = _arriving(mate, units, names) or [_over("E" if names is None else names.loss, _name(names, mate.name))]
        inner = _both(" + ".join("{}" for _ in terms), " + ".join("{}" for _ in terms), *terms)
        output = _name(names, mate.name)
        slope = Formula(f"∂{output.text}/∂{s.text}", rf"\frac{{\partial {output.latex}}}{{\partial {s.latex}}}")
        parts.append(_both("{} {}", r"{} \, {}", _in_product(inner, alone=len(terms) == 1), slope))
    total = _both(" + ".join("{}" for _ in parts), " + ".join("{}" for _ in parts), *parts)
    return _both("{} = {}", "{} &= {}", delta, total)


def _arriving(unit: Unit, units: list[Unit], names: Names | None) -> list[Formula]:
    """The terms δ w of the units that an output goes to."""
    return [
        _both("{} {}", r"{} \, {}", _name(names, f"signal {above.name}"), _name(names, f"weight {i} {above.name}"))
        for above in units for i, x in enumerate(above.inputs) if x is unit.output
    ]  # fmt: skip


def update_formulas(run: ForwardPass, names: Names | None) -> list[Formula]:
    """The step of each weight and bias: -eta times the error signal times what came in."""
    known = {node: label for end in run.ends.values() for label, node in zip(end.labels, end.nodes, strict=True)}
    found = []
    for units in reversed(run.layers.values()):
        for unit in units:
            delta = _name(names, f"signal {unit.name}")
            steps = []
            for i, x in enumerate(unit.inputs):
                weight, came = _name(names, f"weight {i} {unit.name}"), _came_in(names, known.get(x), i, unit)
                steps.append(_both("Δ{} = −η {} {}", r"\Delta {} = -\eta \, {} \, {}", weight, delta, came))
            if unit.bias is not None:
                bias = _name(names, f"bias {unit.name}")
                at = 0 if names is not None and names.biases else len(steps)  # column 0 of the text's weights, or none
                steps.insert(at, _both("Δ{} = −η {}", r"\Delta {} = -\eta \, {}", bias, delta))
            found += steps
    return found


def _in_product(part: Formula, *, alone: bool) -> Formula:
    """A sum in brackets, unless it stands alone."""
    if alone or not any(sign in part.text for sign in (" + ", " − ")):
        return part
    return Formula(f"({part.text})", rf"\left({part.latex}\right)")


def _came_in(names: Names | None, known: str | None, i: int, unit: Unit) -> Formula:
    """What enters a unit: a unit, an input, or what neither of them is."""
    own = f"input {i} {unit.name}"
    return _name(names, known or (own if names is not None and own in names.of else f"input {i}"))


def _signal(
    unit: Unit, units: list[Unit], signals: dict[str, UnitSignal], names: Names | None, top: Top | None
) -> Formula:
    delta, slope = _name(names, f"signal {unit.name}"), _slope(unit, names)
    terms, total = [], []
    for above in units:
        for i, x in enumerate(above.inputs):
            if x is unit.output:
                weight = _name(names, f"weight {i} {above.name}")
                terms.append(_both("{} {}", r"{} \, {}", _name(names, f"signal {above.name}"), weight))
                total.append(signals[above.name].delta * above.weights[i].data)
    arriving = signals[unit.name].arriving
    elsewhere = not math.isclose(math.fsum(total), arriving, rel_tol=CLOSE, abs_tol=CLOSE)
    if elsewhere or not terms:
        if top is not None and not terms and top.to_sum is not None:
            return _both("{} = {}", "{} &= {}", delta, top.to_sum)
        loss = "E" if names is None else names.loss
        direct = None if top is None or terms else top.to_output
        bare = slope is None
        terms = [_over(loss, _name(names, unit.name)) if direct is None else _in_product(direct, alone=bare)]
    inner = _both(" + ".join("{}" for _ in terms), " + ".join("{}" for _ in terms), *terms)
    if len(terms) > 1 and slope is not None:
        inner = Formula(f"({inner.text})", rf"\left({inner.latex}\right)")
    if slope is None:
        return _both("{} = {}", "{} &= {}", delta, inner)
    return _both("{} = {} {}", r"{} &= {} \, {}", delta, inner, slope)


def _slope(unit: Unit, names: Names | None) -> Formula | None:
    """f'(s) as texts write it; None where f is the identity."""
    if unit.output is unit.sum:
        return None
    s, op = _name(names, f"sum({unit.name})"), unit.output.op
    if unit.output.parents[0] is not unit.sum or op not in ("sigmoid", "tanh"):
        return _both("f′({})", r"f'\left({}\right)", s)
    if names is not None and names.by_outputs:
        z = _name(names, unit.name)
        if op == "sigmoid":
            return _both("{0}(1 − {0})", r"{0}\left(1 - {0}\right)", z)
        squared = Formula(f"({z.text})²", rf"\left({z.latex}\right)^{{2}}") if "^" in z.text else None
        return _both("(1 − {})", r"\left(1 - {}\right)", squared or Formula(f"{z.text}²", f"{z.latex}^{{2}}"))
    if op == "tanh":
        return _both("(1 − tanh({})²)", r"\left(1 - \tanh\left({}\right)^{{2}}\right)", s)
    return _both("σ({0})(1 − σ({0}))", r"\sigma\left({0}\right)\left(1 - \sigma\left({0}\right)\right)", s)


def _over(above: str, below: Formula) -> Formula:
    return Formula(f"∂{above}/∂{below.text}", rf"\frac{{\partial {latex(above)}}}{{\partial {below.latex}}}")


def _name(names: Names | None, own: str) -> Formula:
    if names is not None:
        name = names(own)
        return Formula(name, latex(name))
    kind, _, unit = own.partition(" ")
    name = {"signal": f"δ({unit})", "bias": f"b({unit})"}.get(kind, own)
    if kind == "weight":
        i, _, of = unit.partition(" ")
        name = f"w{i}({of})"
    return Formula(name, rf"\text{{{name.replace('δ', '')}}}" if kind != "signal" else rf"\delta_{{\text{{{unit}}}}}")


def _both(text: str, tex: str, *parts: Formula) -> Formula:
    return Formula(text.format(*(p.text for p in parts)), tex.format(*(p.latex for p in parts)))
