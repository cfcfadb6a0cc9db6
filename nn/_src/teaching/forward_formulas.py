"""The forward pass as formulas, line by line: each unit's weighted sum and activation, and the loss."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError, Value, count_paths

from ..analysis.layers_by_name import in_letters, of_activations
from ..analysis.signal_formulas import in_product, side_by_side, sum_of, value_of
from ..analysis.top_formulas import targets_by_name
from ..modules.losses import has_probable_targets, underlying
from ..notation.latex import latex
from ..support.formulas import MOST_PATHS, Formula, Formulas
from ..support.validation import plain
from .writing import body, refusing_deep_nesting, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..analysis.layers_by_name import ForwardPass, Unit

BY_EXP = ("downing", "downing-first")  # texts that write a sigmoid as 1/(1 + exp(−s))


def forward_formulas(run: ForwardPass, asked: tuple[Any, Any] | None) -> Formulas:
    """A line for each labelled node, in the order of evaluation, with its number.

    Args:
        run: The forward pass.
        asked: Its loss function and target.
    """
    with labelled(run):
        found: list[tuple[Formula, float]] = []
        for layer, units in run.layers.items():
            shares = any(unit.is_share for unit in units)
            for unit in units:
                found.append((_equation(_name(run, f"sum({unit.name})"), [_sum(run, layer, unit)]), unit.sum.data))
                if not shares:
                    found += _activation(run, unit)
            for unit in units if shares else ():
                found += _activation(run, unit)
        if run.of_scores:
            labels = [f"activation {unit.name}" for unit in run.layers[run.last]]
            found += [_line(run, label, node) for label, node in zip(labels, run.of_scores, strict=True)]
        for end in _stages(run):
            found += [_line(run, label, node) for label, node in zip(end.labels, end.nodes, strict=True)]
        if run.loss is not None:
            right = _loss(run, asked, run.of_scores or run.outputs)
            found.append((_equation(_of_loss(run), [right]), run.loss.data))
    return _as_formulas(found)


def explicit_formulas(run: ForwardPass, asked: tuple[Any, Any] | None) -> Formulas:
    """The output of each unit, and the loss, as formulas of inputs, weights and biases alone.

    Raises:
        RangeError: There are more than 64 paths from an input to one of these, or very many layers.
    """
    tops = [*run.outputs, *([run.loss] if run.loss is not None else [])]
    most = max((count_paths(top, x) for top in tops for x in run.inputs), default=0)
    cure = ".formulas has the names of units in place of them"
    if most > MOST_PATHS:
        msg = f"explicit_formulas: expected at most {MOST_PATHS} paths from an input to the end, got {most}; {cure}"
        raise RangeError(msg)
    with refusing_deep_nesting("explicit_formulas", cure), labelled(run, leaves=True):
        found = []
        for unit in (unit for units in run.layers.values() for unit in units):
            right = body(unit.output)
            found.append((_equation(_name(run, unit.name), [Formula(*right[:2])]), unit.output.data))
        for end in _stages(run):
            for label, node in zip(end.labels, end.nodes, strict=True):
                found.append((_equation(_name(run, label), [Formula(*body(node)[:2])]), node.data))
        if run.loss is not None:
            found.append((_equation(_of_loss(run), [_loss(run, asked, run.outputs)]), run.loss.data))
    return _as_formulas(found)


def loss_formula(run: ForwardPass, asked: tuple[Any, Any]) -> Formula:
    """The loss as a formula of outputs and targets.

    Args:
        run: The forward pass.
        asked: The loss function and its target.
    """
    with labelled(run):
        return _loss(run, asked, run.of_scores or run.outputs)


def _as_formulas(found: list[tuple[Formula, float]]) -> Formulas:
    numbers = [x for _, x in found]
    return Formulas([formula for formula, _ in found], numbers, list(map(value_of, numbers)))


@contextmanager
def labelled(run: ForwardPass, *, leaves: bool = False) -> Iterator[None]:
    """Temporarily label the nodes with the names of the text, or with the library's; with `leaves` only the leaves.

    Formulas are written with the labels of nodes, so this decides what they show.
    """
    called = run.names or str
    given: dict[Value, str] = {}
    for end in run.ends.values():
        for label, node in zip(end.labels, end.nodes, strict=True):
            # A unit without an activation is in both ends: the activation's name comes later and wins.
            given[node] = "" if leaves and node.parents else called(label)
    for units in run.layers.values():
        for unit in units:
            given |= {w: _name(run, f"weight {i} {unit.name}").text for i, w in enumerate(unit.weights)}
            if unit.bias is not None:
                given[unit.bias] = _name(run, f"bias {unit.name}").text
            for i, x in enumerate(unit.inputs):
                own = f"input {i} {unit.name}"
                if x not in given:
                    name = called(own) if run.names is not None and own in run.names.of else f"input {i} of {unit.name}"
                    given[x] = "" if name.startswith("(") else name
            if not leaves:
                given[unit.sum] = called(f"sum({unit.name})") if unit.output is not unit.sum else called(unit.name)
    if run.of_scores and not leaves:
        given |= {
            node: called(f"activation {unit.name}")
            for unit, node in zip(run.layers[run.last], run.of_scores, strict=True)
        }
    before = {node: node.label for node in given}
    try:
        for node, label in given.items():
            node.label = label
        yield
    finally:
        for node, label in before.items():
            node.label = label


def _name(run: ForwardPass, own: str) -> Formula:
    """A name as the text has it, or the library's own."""
    if run.names is not None:
        text = run.names(own)
        return Formula(text, latex(text))
    kind, _, rest = own.partition(" ")
    text = own
    if kind == "weight":
        i, _, unit = rest.partition(" ")
        text = f"w{i}({unit})"
    elif kind == "bias":
        text = f"b({rest})"
    return Formula(text, written(text).latex)


def _of_loss(run: ForwardPass) -> Formula:
    return Formula("E", "E") if run.names is None else Formula(run.names.loss, latex(run.names.loss))


def _equation(left: Formula, rights: list[Formula]) -> Formula:
    return Formula(
        " = ".join([left.text, *(r.text for r in rights)]),
        f"{left.latex} &= " + " = ".join(r.latex for r in rights),
    )


def _sum(run: ForwardPass, layer: str, unit: Unit) -> Formula:
    """The weighted sum: weights times inputs, and the bias; first if the text has it as the weight of a constant 1."""
    terms = [
        side_by_side([_name(run, f"weight {i} {unit.name}"), in_product(_entering(run, x, i, unit), alone=False)])
        for i, x in enumerate(unit.inputs)
    ]
    if unit.bias is not None:
        bias, one = _name(run, f"bias {unit.name}"), run.names is not None and run.names.biases
        if one:
            terms.insert(0, side_by_side([bias, _name(run, f"1 into {layer}")]))
        else:
            terms.append(bias)
    return sum_of(terms)


def _entering(run: ForwardPass, x: Value, i: int, unit: Unit) -> Formula:
    if x.label:
        return Formula(x.label, latex(x.label) if run.names is not None else written(x.label).latex)
    own = f"input {i} {unit.name}"
    return _name(run, own)


def _activation(run: ForwardPass, unit: Unit) -> list[tuple[Formula, float]]:
    """The activation of a unit as a function of its sum; [] if the text has one name for both."""
    z, s = _name(run, unit.name), _name(run, f"sum({unit.name})")
    if unit.output is unit.sum:
        return [] if z.text == s.text else [(_equation(z, [s]), unit.output.data)]
    of_sum = unit.output.parents[0] is unit.sum and len(unit.output.parents) == 1
    right = Formula(*body(unit.output)[:2])
    if of_sum and unit.output.op == "sigmoid" and run.names is not None and run.names.notation in BY_EXP:
        right = Formula(f"1/(1 + exp(−{s.text}))", rf"\frac{{1}}{{1 + e^{{-{s.latex}}}}}")
    letter = "" if run.names is None or unit.is_share else run.names(f"slope {unit.name}").replace("′", "")
    if not letter or (letter == "f" and run.names is not None and run.names.notation == "dolhansky"):
        return [(_equation(z, [right]), unit.output.data)]
    called = Formula(f"{letter}({s.text})", rf"{latex(letter)}\left({s.latex}\right)")
    return [(_equation(z, [called, right]), unit.output.data)]


def _stages(run: ForwardPass) -> list[Any]:
    """The stages after the last layer that are no layers, such as a softmax."""
    own = {*run.layers, *(f"sum({name})" for name in run.layers), "inputs", "loss"}
    return [end for name, end in run.ends.items() if name not in own]


def _line(run: ForwardPass, label: str, node: Value) -> tuple[Formula, float]:
    name = _name(run, label)
    right = Formula(*body(node)[:2])
    return _equation(name, [right if node.parents else name]), node.data


def _loss(run: ForwardPass, asked: tuple[Any, Any] | None, outputs: tuple[Value, ...]) -> Formula:
    """The loss as a formula of outputs and targets; a loss that takes scores is written in their activations."""
    assert run.loss is not None
    loss, target = asked or (None, None)
    name = getattr(underlying(loss), "__name__", "loss")
    for named in (True, False):  # first with letters for targets; the index of a class can have none
        error = _loss_in_letters(run, loss, target, outputs, named=named)
        if error is not None and all(count_paths(error, y) <= MOST_PATHS for y in outputs):
            with suppress(RecursionError):  # too deeply nested to write: fall back to its name, below
                return Formula(*body(error)[:2])
    labels = [y.label or f"ŷ_{k}" for k, y in enumerate(outputs, 1)]  # a user's own loss: only its name is known
    arguments = Formula(", ".join(labels), ", ".join(map(latex, labels)))
    return Formula(f"{name}({arguments.text}; y)", rf"\text{{{name}}}({arguments.latex}; y)")


def _loss_in_letters(
    run: ForwardPass, loss: Any, target: Any, outputs: tuple[Value, ...], *, named: bool
) -> Value | None:
    """The loss, recorded again over outputs and, with `named`, labelled targets; None if it cannot be."""
    given: Any = target
    if named and run.names is not None:
        given = targets_by_name(target, run.names, certain=has_probable_targets(loss))
    if run.of_scores and outputs is run.of_scores:
        classes = isinstance(plain(target), list) or outputs[0].op != "softmax"
        return of_activations(run, given if classes else plain(target))
    return in_letters(loss, outputs, given)
