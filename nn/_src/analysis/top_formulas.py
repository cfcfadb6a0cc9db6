"""Derivatives of a loss at the outputs of a network, as formulas: δ_o = (ŷ − y), or a − y for a cross-entropy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import AutogradError, Value, count_paths, grad_of, topological_order

from ..modules.activations import ACTIVATIONS
from ..modules.losses import has_probable_targets
from ..notation.latex import latex
from ..support.formulas import MOST_PATHS, Formula
from ..support.validation import plain
from ..teaching.derivations import derivation
from ..teaching.writing import written_number
from .layers_by_name import in_letters, target_of_each
from .signal_formulas import CLOSE, Top, in_product, over, side_by_side, sum_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..support.names import Names
    from .layers_by_name import ForwardPass, JacobianEnd, Unit

LONGEST = 40  # characters; a longer derivative is not written out in a formula


def top_formulas(run: ForwardPass, names: Names | None, loss: Callable[[Any, Any], Any], target: Any) -> dict[str, Top]:
    """For each output unit of the last layer, the derivative of the loss, where that is a short formula.

    The loss is called once more, on outputs and targets with names alone, and derived by the rules.
    """
    if run.last not in run.layers:
        return _after_layers(run, names, loss, target)
    if names is None:
        return {}
    units = run.layers[run.last]
    if run.of_scores:
        return _of_scores(run, names, target)
    found = {}
    for k, unit in enumerate(units):
        try:
            found[unit.name] = _top(units, k, names, loss, target)
        except AutogradError:  # of too many paths, for example
            continue
    return {name: top for name, top in found.items() if top is not None}


def _of_scores(run: ForwardPass, names: Names, target: Any) -> dict[str, Top]:
    """a − y, or a fraction of it, for a loss that takes scores, if the numbers agree with that; else {}."""
    units = run.layers[run.last]
    return _errors(run, run.of_scores, [f"activation {unit.name}" for unit in units], target, names)


def _errors(
    run: ForwardPass, activations: tuple[Value, ...], labels: Sequence[str], target: Any, names: Names
) -> dict[str, Top]:
    """a − y, or a fraction of it, for each unit of the last layer, if that is its derivative; else {}."""
    assert run.loss is not None
    units, n = list(run.layers.values())[-1], len(activations)
    numbers = [y.data if isinstance(y, Value) else y for y in target_of_each(target, n)]
    if len(numbers) != n or not all(isinstance(y, (int, float)) for y in numbers):
        return {}
    slopes = grad_of(run.loss, [unit.sum for unit in units])
    errors = [a.data - y for a, y in zip(activations, numbers, strict=True)]
    for share in (1.0, 1.0 / n):
        if all(math.isclose(g, share * e, rel_tol=CLOSE, abs_tol=CLOSE) for g, e in zip(slopes, errors, strict=True)):
            return {
                unit.name: Top(None, _share_of_error(share, names(label), letter))
                for unit, label, letter in zip(units, labels, _letters(names, n), strict=True)
            }
    return {}


def _after_layers(
    run: ForwardPass, names: Names | None, loss: Callable[[Any, Any], Any], target: Any
) -> dict[str, Top]:
    """For each sum of the last layer, its derivative through the softmax or other function after that layer.

    It is a − y where that is what came; else the sum over the outputs of what the loss gives to each, times the
    derivative of that output with respect to the sum.
    """
    units, end = list(run.layers.values())[-1], run.ends[run.last]
    if not all(unit.output is unit.sum for unit in units):
        return {}
    if names is not None and len(units) == len(end.nodes):
        found = _errors(run, end.nodes, end.labels, target, names)
        if found:
            return found
    called = names or str
    given = _given_to(end, names, loss, target)
    depends = [set(topological_order(node)) for node in end.nodes]
    tops = {}
    for unit in units:
        below, terms = _formula(called(f"sum({unit.name})")), []
        for arriving, label, node, below_it in zip(given, end.labels, end.nodes, depends, strict=True):
            if arriving.text == "0":
                continue
            if node is unit.sum:
                terms.append(arriving)
            elif unit.sum in below_it:
                terms.append(side_by_side([in_product(arriving, alone=False), over(called(label), below)]))
        tops[unit.name] = Top(None, sum_of(terms) if terms else Formula("0", "0"))
    return tops


def _given_to(
    end: JacobianEnd, names: Names | None, loss: Callable[[Any, Any], Any], target: Any
) -> list[Formula]:
    """The derivative of the loss with respect to each output, in letters where it is short."""
    if names is None:
        return [over("E", _formula(label)) for label in end.labels]
    outputs = [Value(y.data, label=names(label)) for y, label in zip(end.nodes, end.labels, strict=True)]
    given = [over(names.loss, _formula(names(label))) for label in end.labels]
    error = in_letters(loss, outputs, targets_by_name(target, names, certain=has_probable_targets(loss)))
    try:
        return [_derived(error, y) or other for y, other in zip(outputs, given, strict=True)]
    except AutogradError:  # of too many paths, for example
        return given


def _formula(name: str) -> Formula:
    return Formula(name, latex(name))


def _share_of_error(share: float, a: str, y: str) -> Formula:
    text, tex = f"{a} − {y}", f"{latex(a)} - {latex(y)}"
    if share == 1.0:
        return Formula(text, tex)
    front = written_number(share)
    return side_by_side([Formula(*front[:2]), Formula(f"({text})", rf"\left({tex}\right)")])


def _letters(names: Names, n: int) -> list[str]:
    return [names.target_of(k, n) for k in range(1, n + 1)]


def _top(units: tuple[Unit, ...], k: int, names: Names, loss: Callable[[Any, Any], Any], target: Any) -> Top | None:
    unit = units[k]
    outputs = [Value(u.output.data, label=names(u.name)) for u in units]
    targets = targets_by_name(target, names, certain=has_probable_targets(loss))
    direct = _derived(in_letters(loss, outputs, targets), outputs[k])
    op = unit.output.op
    if unit.output is unit.sum or op not in ACTIVATIONS or unit.output.parents[0] is not unit.sum:
        return None if direct is None else Top(direct, direct if unit.output is unit.sum else None)
    s = Value(unit.sum.data, label=names(f"sum({unit.name})"))
    outputs[k] = getattr(ag, op)(s)
    outputs[k].label = names(unit.name)
    whole = _derived(in_letters(loss, outputs, targets), s)
    short = whole is not None and (direct is None or len(whole.text) < len(direct.text))
    return None if direct is None and not short else Top(direct, whole if short else None)


def _derived(error: Value | None, below: Value) -> Formula | None:
    """The last line of the derivation; None if it is long, or there is no loss."""
    if error is None or count_paths(error, below) > MOST_PATHS:
        return None
    found = derivation(error, below, outputs=True)
    text = found.result
    if len(text) > LONGEST:
        return None
    return Formula(text, found.latex_lines[-1].partition("&= ")[2])


def targets_by_name(target: Any, names: Names, *, certain: bool) -> Any:
    """Labelled targets. 0 and 1 are replaced by another probability, since half of the formula would vanish."""
    target = plain(target)
    if isinstance(target, list):
        flat = [x for x in target if not isinstance(x, list)]
        if len(flat) < len(target):
            return target
        each = zip(flat, _letters(names, len(flat)), strict=True)
        return [_named(x, letter, certain=certain) for x, letter in each]
    return _named(target, names.target_of(1, 1), certain=certain)


def _named(x: Any, label: str, *, certain: bool) -> Any:
    if certain and not isinstance(x, Value) and x in (0, 1):
        x = 0.25
    return Value(x.data if isinstance(x, Value) else x, label=label) if isinstance(x, (float, int, Value)) else x

