"""Chooses the way to the gradient: by trying it, and not by the name of the loss.

A compiled program is used only if it agrees with the graphs on the data and on the first batch. Of very many cases it
must agree on a thousand that are spread over them, and run on all. The choice depends on model, loss and data only, and
not on the number of epochs, so training may be split into several calls of `fit` (docs/adr/0015).
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.sums import exact_sum

from .case_programs import MOST_BRANCHES, Case, NotCompiledError, flat
from .side_effects import PLAIN_TYPES
from .ways import CLOSE, CaseByCase, LossOnGraphs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .case_programs import Adds, Data
    from .ways import Trial, Way

MOST_CLASSES = 32  # different targets that one program can choose from
PROBED = 64  # cases on which `how_it_adds` tries a loss


def is_plain(targets: list[Any]) -> bool:
    """Whether the targets contain no Values, on which computing the loss could leave gradients."""
    return all(isinstance(y, PLAIN_TYPES) for t in targets for y in flat(t))


def the_way(trial: Trial) -> Way:
    """The fastest way that reproduces the results of graphs.

    Raises:
        NotCompiledError: No way does.
    """
    case = Case(trial.task, trial.data[0].inputs[0].tolist())
    P = case.start.copy()
    later: list[CaseByCase] = []
    if trial.loss is not None and (adds := how_it_adds(trial)):
        for of, codes in codings(trial):
            with suppress(NotCompiledError):
                way = CaseByCase(case, adds, of, codes)
                if not way.branches:
                    way.check(P, trial)
                    return way
                later.append(way)
    for way in later:
        if trial.follows or way.branches <= MOST_BRANCHES:
            with suppress(NotCompiledError):
                way.check(P, trial)
                return way
    slower = LossOnGraphs(case, trial.task.value_of)
    if not trial.follows and slower.branches > MOST_BRANCHES:
        msg = f"a case takes {slower.branches} branches on numbers, and programs follow {MOST_BRANCHES}"
        raise NotCompiledError(msg)
    slower.check(P, trial)
    return slower


def codings(trial: Trial) -> Iterator[tuple[Callable[..., Any], dict[Data, Any]]]:
    """The ways to pass targets to a program: the loss of one case, and the targets as numbers."""
    import numpy as np

    loss = trial.task.loss
    shapes = {None if data.numbers is None else data.numbers.shape[1:] for data in trial.data}
    if len(shapes) == 1 and None not in shapes:
        yield lambda p, t: loss([p], [t]), {data: data.numbers for data in trial.data}
    names = [[repr(t) for t in data.targets] for data in trial.data]
    kinds = {name: t for data, ns in zip(trial.data, names, strict=True) for name, t in zip(ns, data.targets)}
    if len(kinds) > MOST_CLASSES or not all(isinstance(y, PLAIN_TYPES) for t in kinds.values() for y in flat(t)):
        return  # other objects may compare equal and still be different targets
    places = {name: float(k) for k, name in enumerate(kinds)}

    def chosen(p: Any, code: Any) -> Any:
        """The loss for the target with that code, selected from the losses for each distinct target."""
        *others, result = (loss([p], [t]) for t in kinds.values())
        for k, other in enumerate(others):
            result = ag.where(code == k, other, result)
        return result

    yield chosen, {data: np.array([places[n] for n in ns]) for data, ns in zip(trial.data, names, strict=True)}


def how_it_adds(trial: Trial) -> Adds | None:
    """Whether the loss of a batch is the "mean" or the "sum" of its cases' losses, found by evaluating both."""
    predictions, targets = trial.measured[0].predictions[:PROBED], trial.data[0].targets[trial.places[0]][:PROBED]
    n = len(targets)
    if min(n, trial.task.batch_size) == 1:
        return "mean"  # for a single case both are the same

    def loss_of(ps: list[Any], ts: list[Any]) -> float:
        return float(trial.task.value_of(_mapped(Value, ps), ts).data)

    def moved(p: Any, i: int, scale: float, offset: float) -> Any:
        apart = 0.1 * (0.618 * (i + 1) % 1.0)  # different for every case
        return _mapped(lambda x: (scale * x if math.isfinite(x) else 0.5) * (1.0 - apart) + offset * apart, p)

    answers: set[Adds] = {"sum", "mean"}
    for scale, offset in ((1.0, 0.0), (0.5, 0.0), (1.0, 1.0), (-1.0, -1.0)):  # twice among probabilities
        try:
            ps = [moved(p, i, scale, offset) for i, p in enumerate(predictions)]
            whole, parts = loss_of(ps, targets), [loss_of([p], [t]) for p, t in zip(ps, targets)]
        except Exception:  # noqa: BLE001, S112  outside of the loss's domain, or not made for one case
            continue
        total, size = exact_sum(parts), max(abs(whole), exact_sum(map(abs, parts)) / n)
        if math.isfinite(total) and math.isfinite(whole):
            sums: dict[Adds, float] = {"sum": total, "mean": total / n}
            answers = {name for name in answers if abs(sums[name] - whole) <= CLOSE * size}
    return answers.pop() if len(answers) == 1 else None


def _mapped(f: Callable[[Any], Any], prediction: Any) -> Any:
    return [_mapped(f, p) for p in prediction] if isinstance(prediction, list) else f(prediction)
