"""The recursion of error signals unit by unit, as formulas: delta_k = delta_o w_ko sigma(s_k) (1 - sigma(s_k))."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from autograd_core import RangeError, grad_of
from autograd_core._src.sums import exact_sum

from ..notation.latex import latex
from ..support.formulas import MOST_PATHS, Formula, Formulas, is_loose, juxtaposed
from ..support.matrices import tex
from ..support.tables import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from autograd_core import Value

    from ..support.names import Names
    from .layers_by_name import ForwardPass, Unit

CLOSE = 1e-9  # relative difference allowed between the recursion and the reverse sweep
EQUAL = Formula("= ", " = ")


@dataclass(frozen=True, slots=True)
class UnitSignal:
    """The error signal of one unit, and the two factors whose product it is in the recursion.

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


EACH = Formula("Σ_cases", r"\sum_{\text{cases}}")
SUMS_OF_CASES = {  # how a text writes it
    "cs60050": Formula("Σ_i", r"\sum_i"), "cs60050-first": Formula("Σ_i", r"\sum_i"),
    "downing": Formula("Σ_(c_k∈M)", r"\sum_{c_k \in M}"),
    "dolhansky": Formula("Σ_(y_i)", r"\sum_{y_i}"), "downing-first": Formula("Σ_(d∈D)", r"\sum_{d \in D}"),
}  # fmt: skip


class Top(NamedTuple):
    """The derivative of the loss with respect to an output, and to its weighted sum where that is shorter."""

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
    """The sum, over the outputs of a softmax, of the adjoint there times its derivative with respect to this sum."""
    delta, loss = _name(names, f"signal {unit.name}"), "E" if names is None else names.loss
    parts = []
    for mate in layer:
        terms = _arriving(mate, units, names) or [over(loss, _name(names, mate.name))]
        parts.append(side_by_side([in_product(sum_of(terms), alone=False), _share_slope(mate, unit, names)]))
    return _both("{} = {}", "{} &= {}", delta, sum_of(parts))


def _share_slope(mate: Unit, unit: Unit, names: Names | None) -> Formula:
    """The derivative of one share of a softmax with respect to the sum of another."""
    output, s = _name(names, mate.name), _name(names, f"sum({unit.name})")
    return Formula(f"∂{output.text}/∂{s.text}", rf"\frac{{\partial {output.latex}}}{{\partial {s.latex}}}")


def _arriving(unit: Unit, units: list[Unit], names: Names | None) -> list[Formula]:
    """The terms δ w of the units that an output goes to."""
    return [
        _term(above, _name(names, f"weight {i} {above.name}"), names)
        for above in units for i, x in enumerate(above.inputs) if x is unit.output
    ]  # fmt: skip


def _term(above: Unit, weight: Formula, names: Names | None) -> Formula:
    """δ w or w δ, as the text has it."""
    factors = [_name(names, f"signal {above.name}"), weight]
    return side_by_side(factors[::-1] if names is not None and names.weight_first else factors)


def update_formulas(run: ForwardPass, signals: dict[str, UnitSignal], names: Names | None) -> Formulas:
    """The step of each weight and bias: -eta times the error signal times the input."""
    return _steps(run, signals, names, lambda unit: _signal_name(unit, names), _signal_names(run, names))


def gradient_formulas(run: ForwardPass, signals: dict[str, UnitSignal], names: Names | None) -> Formulas:
    """The derivative with respect to each weight and bias: the error signal times the input."""
    own = _signal_names(run, names)
    return _steps(run, signals, names, lambda unit: _signal_name(unit, names), own, derivatives=True)


def _signal_name(unit: Unit, names: Names | None) -> Formula:
    return _name(names, f"signal {unit.name}")


def _signal_names(run: ForwardPass, names: Names | None) -> list[str]:
    return [_signal_name(unit, names).text for units in reversed(run.layers.values()) for unit in units]


def rate_of(names: Names | None) -> Formula:
    """The textbook's letter for the learning rate."""
    letter = "η" if names is None else names.rate
    return Formula(letter, latex(letter))


def batch_updates(
    run: ForwardPass, names: Names | None, steps: Sequence[float], *, penalty: bool, mean: bool = True,
    products: Mapping[str, Sequence[Formula]] | None = None,
) -> Formulas:  # fmt: skip
    """The step of each weight and bias for N cases: -eta/N times the sum over them, plus that of the penalty.

    Args:
        run: The pass of one case.
        names: A text's names, with its mark of the case: Dolhansky's δ_j^(y_i), and Downing's d, from a set D.
        steps: What they come to, without eta.
        penalty: Whether there is one.
        mean: Whether cases are divided by N.
        products: The factors of each unit's signal, by its name, where these are to stand in place of it.
    """
    notation = names.notation if names is not None else ""
    rate, total, n = rate_of(names), SUMS_OF_CASES.get(notation, EACH), letter_of_cases(names)
    found = []
    for weight in _weights(run, names):
        own = weight.unit.name
        signal = [_name(names, f"signal {own}")] if products is None else products[own]
        factors = [*signal, *([weight.came] if weight.came else [])]
        terms = side_by_side([in_product(factors[0], alone=False), *factors[1:]])
        drawn = penalty and not weight.is_bias
        if notation == "cs60050":
            of_cases = _both("{} {}", "{} {}", total, terms)
            found.append(_accumulated(weight.name, rate, of_cases, drawn=drawn, mean=mean))
            continue
        share = Formula(f"{rate.text}/{n}", rf"\frac{{{rate.latex}}}{{{n}}}") if mean else rate
        form = ("{0} ← {0} − {1}", r"{0} &\leftarrow {0} - {1}")
        if names is None or not names.assigns:
            form = ("Δ{} = −{}", r"\Delta {} &= -{}")
        step = _both(*form, weight.name, side_by_side([share, _both("{} {}", "{} {}", total, terms)]))
        if drawn:
            of_n = Formula(f"λ/{n}", rf"\frac{{\lambda}}{{{n}}}") if mean else Formula("λ", r"\lambda")
            step = _both("{} − {}", "{} - {}", step, side_by_side([rate, of_n, weight.name]))
        found.append(step)
    weights = [weight.name for weight in _weights(run, names)]
    sign = Formula("here ", r" \quad \text{here } ") if notation == "cs60050" else EQUAL
    values = [_step_value(w, x, names, sign) for w, x in zip(weights, steps, strict=True)]
    return Formulas(found, steps, values)


def letter_of_cases(names: Names | None) -> str:
    """The textbook's letter for the number of cases."""
    return "n" if names is not None and names.notation.startswith("cs60050") else "N"


def value_of(x: float) -> Formula:
    """The value of a line, as written beside it."""
    x += 0.0  # −0 is 0
    return Formula(f"= {number(x)}", f" = {tex(x)}")


def _step_value(weight: Formula, step: float, names: Names | None, sign: Formula = EQUAL) -> Formula:
    """The value of a step: 0.25 η, or W + 0.25 η for textbooks that write assignments."""
    rate, to = rate_of(names), Formula("", "")
    size = step + 0.0  # −0 is 0
    if names is not None and names.assigns:
        plus = "+" if step > 0 else "−"
        size, to = abs(step), Formula(f"{weight.text} {plus} ", f"{weight.latex} {plus.replace('−', '-')} ")
    text, written = f"{to.text}{number(size)} {rate.text}", rf"{to.latex}{tex(size)} \, {rate.latex}"
    return Formula(f"{sign.text}{text}", f"{sign.latex}{written}")


def _accumulated(weight: Formula, rate: Formula, total: Formula, *, drawn: bool, mean: bool) -> Formula:
    """The step as CS60050 writes it, along D = Δ/n + λ/n · Θ, where Δ is the sum over the cases; or along Δ + λ Θ."""
    place = Formula(weight.text.removeprefix("Θ"), weight.latex.removeprefix(r"\Theta"))
    if not mean:
        text, tex = ("({1} + λ {0})", r"\left({1} + \lambda {0}\right)") if drawn else ("{1}", "{1}")
        accumulated = Formula(f"Δ{place.text}", rf"\Delta{place.latex}")
        along = _both(text, tex, weight, accumulated)
        form = ("{0} ← {0} − {1} {2}, {3} = {4}", r"{0} &\leftarrow {0} - {1} \, {2}, \; {3} = {4}")
        return _both(*form, weight, rate, along, accumulated, total)
    if drawn:
        return _both(
            "{0} ← {0} − {1} (1/n · Δ{2} + λ/n · {0}), Δ{2} = {3}",
            r"{0} &\leftarrow {0} - {1} \left(\frac{{1}}{{n}} \Delta{2} + \frac{{\lambda}}{{n}} {0}\right), "
            r"\; \Delta{2} = {3}",
            weight, rate, place, total,
        )  # fmt: skip
    return _both(
        "{0} ← {0} − {1}/n · Δ{2}, Δ{2} = {3}",
        r"{0} &\leftarrow {0} - \frac{{{1}}}{{n}} \Delta{2}, \; \Delta{2} = {3}",
        weight, rate, place, total,
    )  # fmt: skip


class _Weight(NamedTuple):
    """A weight or bias: its name, its unit, and the input that it multiplies; None for a bias."""

    name: Formula
    unit: Unit
    came: Formula | None
    node: Value
    input: float = 1.0
    is_bias: bool = False


def _weights(run: ForwardPass, names: Names | None) -> Iterator[_Weight]:
    """Each weight and bias, those of the last layer first."""
    known = {node: label for end in run.ends.values() for label, node in zip(end.labels, end.nodes, strict=True)}
    first = names is not None and names.biases  # biases are column 0 of the text's weights, those of a unit that is 1
    for layer, units in reversed(run.layers.items()):
        for unit in units:
            found = [
                _Weight(
                    _name(names, f"weight {i} {unit.name}"), unit, _came_in(names, known.get(x), i, unit), w, x.data
                )
                for i, (w, x) in enumerate(zip(unit.weights, unit.inputs, strict=True))
            ]
            if unit.bias is not None:
                one = _name(names, f"1 into {layer}") if first else None
                bias = _Weight(_name(names, f"bias {unit.name}"), unit, one, unit.bias, is_bias=True)
                found.insert(0 if first else len(found), bias)
            yield from found


def _steps(
    run: ForwardPass,
    signals: dict[str, UnitSignal],
    names: Names | None,
    signal: Callable[[Unit], Formula],
    factors: Sequence[str],
    *,
    derivatives: bool = False,
) -> Formulas:
    """-eta times the unit's signal, as given, times the input; for a shared weight, the sum over its uses.

    A weight that the loss depends on in yet another way has its derivative alone. Of the `factors` those that several
    steps share have a colour. With `derivatives` there is no -eta, and a bias has a 1 where the text has that.
    """
    assert run.loss is not None
    uses: dict[Value, list[_Weight]] = {}
    for weight in _weights(run, names):
        uses.setdefault(weight.node, []).append(weight)
    found, values = [], []
    gradients = grad_of(run.loss, list(uses))
    for shared, gradient in zip(uses.values(), gradients, strict=True):
        parts = [[signal(w.unit), *([w.came] if w.came else [])] for w in shared]
        total = exact_sum(signals[w.unit.name].delta * w.input for w in shared)
        size = exact_sum(abs(signals[w.unit.name].delta * w.input) for w in shared)
        slope = derivative_to(names, shared[0].name)
        is_by_signals = math.isclose(total, gradient, rel_tol=CLOSE, abs_tol=CLOSE * size)
        times_1 = shared[0].is_bias and names is not None and names.notation == "cs60050-first"
        right = side_by_side(parts[0]) if is_by_signals else slope
        if is_by_signals and len(parts) > 1:
            terms = [[in_product(parts_of[0], alone=len(parts_of) == 1), *parts_of[1:]] for parts_of in parts]
            right = in_product(sum_of(list(map(side_by_side, terms))), alone=derivatives and not times_1)
        if derivatives:
            if not is_by_signals:
                right = Formula("what backward() finds", r"\text{what backward() finds}")
            elif times_1:
                right = _both("{} × 1", r"{} \times 1", right)
            found.append(_both("{} = {}", "{} &= {}", slope, right))
            values.append(value_of(gradient))
            continue
        form = ("{0} ← {0} − {1}", r"{0} &\leftarrow {0} - {1}")
        if names is None or not names.assigns:
            form = ("Δ{} = −{}", r"\Delta {} &= -{}")
        found.append(_both(*form, shared[0].name, side_by_side([rate_of(names), right])))
        values.append(_step_value(shared[0].name, -gradient, names))
    return Formulas(found, gradients if derivatives else [0.0 - g for g in gradients], values, factors)


def in_product(part: Formula, *, alone: bool) -> Formula:
    """A sum in brackets, unless it has a single term."""
    if alone or not is_loose(part.text):
        return part
    return Formula(f"({part.text})", rf"\left({part.latex}\right)")


def _came_in(names: Names | None, known: str | None, i: int, unit: Unit) -> Formula:
    """The name of an operand of a unit: a unit, an input, or something else."""
    own = f"input {i} {unit.name}"
    return _name(names, known or (own if names is not None and own in names.of else f"input {i} of {unit.name}"))


class _Parts(NamedTuple):
    """The terms of a unit's signal: the units that its output feeds with their weights, or the given formula.

    `given` stands in place of a sum over `above`, where the loss, or something without units, takes the output.
    """

    above: list[tuple[Unit, Formula]]
    given: Formula | None
    slope: Formula | None


def _parts(
    unit: Unit, units: list[Unit], signals: dict[str, UnitSignal], names: Names | None, top: Top | None
) -> _Parts:
    above, total = [], []
    for other in units:
        for i, x in enumerate(other.inputs):
            if x is unit.output:
                above.append((other, _name(names, f"weight {i} {other.name}")))
                total.append(signals[other.name].delta * other.weights[i].data)
    arriving, slope = signals[unit.name].arriving, _slope(unit, names)
    if above and math.isclose(exact_sum(total), arriving, rel_tol=CLOSE, abs_tol=CLOSE):
        return _Parts(above, None, slope)
    if top is not None and not above and top.to_sum is not None:
        return _Parts([], top.to_sum, None)
    direct = None if top is None or above else top.to_output
    if direct is not None and direct.text == "0":  # an output that the loss ignores
        return _Parts([], direct, None)
    loss = "E" if names is None else names.loss
    return _Parts([], over(loss, _name(names, unit.name)) if direct is None else direct, slope)


def _signal(
    unit: Unit, units: list[Unit], signals: dict[str, UnitSignal], names: Names | None, top: Top | None
) -> Formula:
    parts, delta = _parts(unit, units, signals, names, top), _name(names, f"signal {unit.name}")
    if parts.given is not None:
        inner = in_product(parts.given, alone=parts.slope is None)
    else:
        terms = [_term(other, w, names) for other, w in parts.above]
        inner = in_product(sum_of(terms), alone=parts.slope is None)
    if parts.slope is None:
        return _both("{} = {}", "{} &= {}", delta, inner)
    before = names is not None and 0 < names.slope_first <= len(parts.above)
    product = [parts.slope, inner] if before else [inner, parts.slope]
    return _both("{} = {}", "{} &= {}", delta, side_by_side(product))


# --- without names of signals ----------------------------------------------------------------------


def explicit_updates(
    run: ForwardPass, signals: dict[str, UnitSignal], names: Names | None, tops: Mapping[str, Top]
) -> Formulas:
    """The step of each weight with the factors of its error signal in place of that signal."""
    products = explicit_products(run, signals, names, tops)
    units = [unit for layer in reversed(run.layers.values()) for unit in layer]
    atoms = [factor.text for unit in units for factor in _factors_of(unit, units, signals, names, tops)]
    return _steps(run, signals, names, lambda unit: side_by_side(products[unit.name]), atoms)


def explicit_products(
    run: ForwardPass, signals: dict[str, UnitSignal], names: Names | None, tops: Mapping[str, Top]
) -> dict[str, list[Formula]]:
    """The factors of each unit's error signal, by its name.

    Raises:
        RangeError: From a unit there are more than 64 paths to the outputs.
    """
    products: dict[str, list[Formula]] = {}
    counts: dict[str, int] = {}
    units = [unit for layer in reversed(run.layers.values()) for unit in layer]
    for layer in reversed(run.layers.values()):
        for unit in layer:
            mates = layer if unit.is_share else (unit,)
            counts[unit.name] = sum(max(1, sum(counts[o.name] for o in _above(mate, units))) for mate in mates)
            if counts[unit.name] > MOST_PATHS:
                msg = (
                    f"explicit_updates: expected at most {MOST_PATHS} paths from a unit to the outputs, got "
                    f"{counts[unit.name]} from {unit.name}; .updates has error signals in place of them"
                )
                raise RangeError(msg)
            if not unit.is_share:
                parts = _parts(unit, units, signals, names, tops.get(unit.name))
                products[unit.name] = [*_arrives(parts, products), *([parts.slope] if parts.slope else [])]
                continue
            each = []
            for mate in layer:
                parts = _parts(mate, units, signals, names, tops.get(mate.name))
                each.append([*_arrives(parts, products), _share_slope(mate, unit, names)])
            products[unit.name] = _common(each)
    return products


def _factors_of(
    unit: Unit, units: list[Unit], signals: dict[str, UnitSignal], names: Names | None, tops: Mapping[str, Top]
) -> list[Formula]:
    """The factors that a unit contributes to error signals: the loss's derivative or weights, and its own slope."""
    parts = _parts(unit, units, signals, names, tops.get(unit.name))
    given = [in_product(parts.given, alone=False)] if parts.given is not None else [w for _, w in parts.above]
    return [*given, *([parts.slope] if parts.slope else [])]


def _arrives(parts: _Parts, products: dict[str, list[Formula]]) -> list[Formula]:
    """The factors of the derivative with respect to a unit's output."""
    if parts.given is not None:
        return [in_product(parts.given, alone=False)]
    return _common([[*products[other.name], w] for other, w in parts.above])


def _common(products: list[list[Formula]]) -> list[Formula]:
    """A sum of products with the common leading factors taken out."""
    if len(products) == 1:
        return products[0]
    front = 0
    while all(len(p) > front + 1 for p in products) and len({p[front].text for p in products}) == 1:
        front += 1
    rest = sum_of([side_by_side(p[front:]) for p in products])
    return [*products[0][:front], in_product(rest, alone=False)]


def _above(unit: Unit, units: list[Unit]) -> list[Unit]:
    return [other for other in units for x in other.inputs if x is unit.output]


def side_by_side(factors: Sequence[Formula]) -> Formula:
    """A product."""
    return Formula(*juxtaposed(factors))


def sum_of(terms: Sequence[Formula]) -> Formula:
    """A sum."""
    return Formula(" + ".join(t.text for t in terms), " + ".join(t.latex for t in terms))


def _slope(unit: Unit, names: Names | None) -> Formula | None:
    """f'(s) as textbooks write it; None if f is the identity."""
    if unit.output is unit.sum:
        return None
    s, op = _name(names, f"sum({unit.name})"), unit.output.op
    if unit.output.parents[0] is not unit.sum or op not in ("sigmoid", "tanh"):
        slope = "f′" if names is None else names(f"slope {unit.name}")
        return _both("{}({})", r"{}\left({}\right)", Formula(slope, latex(slope)), s)
    if names is not None and names.by_outputs:
        z = _name(names, unit.name)
        if op == "sigmoid":
            return _both("{0}(1 − {0})", r"{0}\left(1 - {0}\right)", z)
        squared = Formula(f"({z.text})²", rf"\left({z.latex}\right)^{{2}}") if "^" in z.text else None
        return _both("(1 − {})", r"\left(1 - {}\right)", squared or Formula(f"{z.text}²", f"{z.latex}^{{2}}"))
    if op == "tanh":
        return _both("(1 − tanh({})²)", r"\left(1 - \tanh\left({}\right)^{{2}}\right)", s)
    return _both("σ({0})(1 − σ({0}))", r"\sigma\left({0}\right)\left(1 - \sigma\left({0}\right)\right)", s)


def derivative_to(names: Names | None, below: Formula) -> Formula:
    """The derivative of the loss with respect to something, as the text writes it: ∂L/∂w, or dw."""
    if names is not None and names.differentials:
        return Formula(f"d{below.text}", f"d{below.latex}")
    return over("E" if names is None else names.loss, below)


def over(above: str, below: Formula) -> Formula:
    """The partial derivative of one name with respect to another."""
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
