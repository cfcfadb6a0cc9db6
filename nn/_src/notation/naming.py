"""The names that one textbook gives to all parts of a network, from its entry in `texts.py`."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import is_among

from ..support.names import Names, as_typed
from .texts import MIDDLE, NOTATIONS, TEXTS, pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_core import Value

    from ..analysis.layers_by_name import ForwardPass, Unit
    from .texts import Text

MOST_TERMS = 4  # a sum of more terms is not written out in a formula


def names(notation: Any, run: ForwardPass, caller: str = "notation", *, scores: bool = False) -> Names | None:
    """A textbook's names for everything in a forward pass; None for no textbook.

    Args:
        notation: One of `NOTATIONS`, or None.
        run: The pass.
        caller: Whom an error names.
        scores: Whether the last layer's sums go into the loss as they are, which makes the activations of them.

    Raises:
        RangeError: There is no such notation.
    """
    if notation is None:
        return None
    if not is_among(notation, TEXTS):
        msg = f"{caller}: notation: expected one of {', '.join(map(repr, NOTATIONS))}, got {shown(notation)}"
        raise RangeError(msg)
    text, d, of = TEXTS[notation], max(len(run.layers), 1), {}
    before = nodes_before(run) if text.through else [0] * (len(run.ends) + 1)
    of["inputs"] = text.layer(0, d)
    of["loss"] = text.loss
    if text.other_loss:
        of["error"] = text.other_loss  # a second name by which the loss can be looked up
    for i, label in enumerate(run.ends["inputs"].labels, 1):
        of[label] = text.unit(0, d, i, len(run.inputs))
    for k, (layer, units) in enumerate(run.layers.items(), 1):
        n = len(units)
        of[layer], of[f"sum({layer})"] = text.layer(k, d), text.sums(k, d)
        of[f"weights of {layer}"], of[f"signal {layer}"] = text.weights(k, d), text.signals(k, d)
        if text.layer_biases is not None:
            of[f"biases of {layer}"] = text.layer_biases(k)
        of[f"1 into {layer}"] = text.unit(k - 1, d, 0, n) if text.biases else "1"
        for j, unit in enumerate(units, 1):
            at = before[k] + j
            of[unit.name], of[f"sum({unit.name})"] = text.unit(k, d, at, n), text.sum(k, d, at, n)
            of[f"signal {unit.name}"], of[f"bias {unit.name}"] = text.signal(k, d, at, n), text.bias(k, d, at, n)
            of[f"slope {unit.name}"] = text.slope(k)
            for i in range(len(unit.weights)):
                of[f"weight {i} {unit.name}"] = text.weight(k, d, at, n, i + 1, len(unit.weights))
    met = not run.layers or any(x in run.inputs for x in next(iter(run.layers.values()))[0].inputs)
    if not met and not text.through:
        # A module without units comes before the first layer: the weights' inputs are not the network's inputs.
        of |= {"inputs": "x"} | {label: f"x_{i}" for i, label in enumerate(run.ends["inputs"].labels, 1)}
    if notation == "dolhansky":
        of |= _small_network(run)
    of |= _after_the_last_layer(notation, run, before, of)
    if set(run.ends) - {"loss"} == {"inputs", run.last} and not run.layers and not run.others:
        of |= _function_alone(notation, run)
    of |= _what_came_in(text, run, of)
    if notation == "dolhansky":
        of |= _weights_by_ends(run, of)
    if text.through:
        of |= _weights_by_numbers(run, before)
        of |= {f"target {j}": f"t{of[label][1:]}" for j, label in enumerate(run.ends[run.last].labels, 1)}
    of |= _shared(run, of)
    lone = notation.startswith("cs60050") and is_lone_unit(run)
    alone = lone and notation == "cs60050-first"
    if lone:
        of |= _logistic_regression(run, alone)
    if scores:
        of |= _scores(run, of)
    linear = all(unit.output is unit.sum for units in run.layers.values() for unit in units)
    rule = (linear and text.rule_if_linear) or text.rule
    heads = text.heads
    if alone:
        heads, rule = (*heads[:4], "∂L/∂a", "dz"), "dz = ∂L/∂z = ∂L/∂a g′(z)"
    elif lone:
        heads = (heads[0], "z", "h_θ(x)", "g′(z)", "∂cost/∂h_θ(x)", "δ")
        rule = "δ = ∂cost/∂z = ∂cost/∂h_θ(x) g′(z)"
    return Names(
        notation, text.order, heads, text.loss, of, text.biases, rule, text.target, text.by_outputs,
        text.rate, text.by_layers, alone,
        _other_names(notation, run, of, scores=scores), text.weight_first, text.slope_first,
    )  # fmt: skip


def _other_names(notation: str, run: ForwardPass, of: dict[str, str], *, scores: bool) -> dict[str, str]:
    """Names that a textbook has in addition to those of its entry."""
    text, d = TEXTS[notation], max(len(run.layers), 1)
    # As pictures have it around a layer, with the blank, since "layer2" is the library's name for the second one.
    found = {text.box(k, d): layer for k, layer in enumerate(("inputs", *run.layers))}
    found |= _of_targets(text, run)
    if notation == "downing":
        found |= _downings_sums(run, of)
    elif notation == "dolhansky":
        found |= _dolhanskys_instance(run, of)
    elif notation.startswith("cs60050"):
        found |= _counted_from_the_last(notation, run, scores=scores) | _of_any_network(notation, run)
        found |= {"cost(x_i)": "loss"} if notation == "cs60050" else _rows_of_weights(run)
    elif notation.startswith("lecture"):
        found |= _counted_to_d(run, of)
    if text.through:
        found |= _without_the_case(of)
    return found


def _of_targets(text: Text, run: ForwardPass) -> dict[str, str]:
    """The letter for the targets alone, and with the number of its output, which a single one lacks in formulas."""
    outputs = 0 if text.through else len(run.ends[run.last].labels)  # nodes that are counted through have theirs
    return {f"{text.target}_{k}": f"target {k}" for k in range(1, outputs + 1)} | {text.target: "targets"}


def _counted_to_d(run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """The lecture's W_d, g_d and a_{d−1}: its last layer is the d-th. And its y^true, in its second half."""
    d, found = len(run.layers), {"y^true": "targets"}
    for own, name in of.items():
        front, _, number = name.rpartition("_")
        if number.isdecimal():
            off = int(number) - d
            found[as_typed(f"{front}_d{off:+}" if off else f"{front}_d")] = own
    return found


def _without_the_case(of: dict[str, str]) -> dict[str, str]:
    """Downing's o_5 for o_5d, and o_j for x_jd, too, since o_jd is what any node j feeds into i."""
    found = {as_typed(name.removesuffix("d")): own for own, name in of.items() if name.endswith("d") and "_" in name}
    return found | {f"o_{name[2:-1]}{d}": own for own, name in of.items() if name.startswith("x_") for d in ("d", "")}


def _dolhanskys_instance(run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """Dolhansky's in_j for s_j, on two of his lines, and ŷ_i and y_i, which he writes with the index of the case.

    In a network of one path he counts the weights at first, w_1, w_2 and w_3; and where the input is called "in" it is
    x_i nevertheless.
    """
    found = {f"in_{name[2:]}": own for own, name in of.items() if name.startswith("s_")} | {"y_i": "targets"}
    found |= {as_typed(f"{name}_i"): own for own, name in of.items() if name == "ŷ"}  # its unit's, the last one
    weights = [f"weight {i} {u.name}" for units in run.layers.values() for u in units for i in range(len(u.weights))]
    if len(weights) == len(run.layers):
        found |= {f"w_{k}": own for k, own in enumerate(weights, 1)}
    alone = next((own for own, name in of.items() if name == "x_in"), None)
    return found if alone is None or "x_i" in of.values() else found | {"x_i": alone}


def _of_any_network(notation: str, run: ForwardPass) -> dict[str, str]:
    """The names that logistic regression has as a network: a^(1), and Theta^(1) or W^(1)."""
    if not is_lone_unit(run):
        return {}
    text, [(layer, [unit])] = TEXTS[notation], run.layers.items()
    found = {
        text.layer(0, 1): "inputs", text.layer(1, 1): layer, text.sums(1, 1): f"sum({layer})",
        text.weights(1, 1): f"weights of {layer}", text.signals(1, 1): f"signal {layer}",
        text.unit(1, 1, 1, 1): unit.name, text.sum(1, 1, 1, 1): f"sum({unit.name})", "a": unit.name,
    }  # fmt: skip
    return {as_typed(name): own for name, own in found.items()}


def _counted_from_the_last(notation: str, run: ForwardPass, *, scores: bool) -> dict[str, str]:
    """CS60050 counts layers from the last one, L, too: a^(L), δ^(L), Θ^(L-1), and in its first half W^(L), A^L, Z^L.

    a^(L) is h and h_Θ(x), too, and ŷ; and in the first half f(x, θ).
    """
    d, first, found = len(run.layers), notation == "cs60050-first", dict[str, str]()
    for k, (layer, units) in enumerate(run.layers.items(), 1):
        last = "L" if k == d else f"L-{d - k}"
        activation = "activation " if scores and k == d else ""
        for at in (last, str(k)) if first else (last,):
            found |= {f"A^{at}": activation + layer, f"Z^{at}": f"sum({layer})"} if first else {}
        found |= {f"a^{last}": activation + layer, f"z^{last}": f"sum({layer})", f"delta^{last}": f"signal {layer}"}
        found |= {f"b^{last}": f"biases of {layer}", f"W^{last}": f"weights of {layer}"} if first else {}
        if not first:
            found[f"Theta^L-{d - k + 1}"] = f"weights of {layer}"
        for j, unit in enumerate(units, 1):
            found |= {f"a_{j}^{last}": activation + unit.name, f"z_{j}^{last}": f"sum({unit.name})"}
            found[f"delta_{j}^{last}"] = f"signal {unit.name}"
    if found:
        found |= dict.fromkeys(("h", "h_Theta(x)", "yhat", *(("f(x,Theta)",) if first else ())), found["a^L"])
    return found


def _rows_of_weights(run: ForwardPass) -> dict[str, str]:
    """CS60050's w_1^1 in bold: all weights that lead to the first neuron of the first layer."""
    rows = ((k, j, unit) for k, units in enumerate(run.layers.values(), 1) for j, unit in enumerate(units, 1))
    return {f"w_{j}^{k}": f"weights into {unit.name}" for k, j, unit in rows}


def _downings_sums(run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """Downing's S = Y W, the sums of the last layer, and R = X V, those before them in a network of two layers.

    A softmax is S, too, and then has the name.
    """
    if "S" in of.values():
        return {}
    letters = {1: ("S",), 2: ("R", "S")}.get(len(run.layers), ())
    found = {}
    for letter, (layer, units) in zip(letters, run.layers.items(), strict=False):
        found[letter] = f"sum({layer})"
        found |= {f"{letter.lower()}_{j}": f"sum({unit.name})" for j, unit in enumerate(units, 1)}
    return found


def of_each_case(called: Names | None, outputs: int) -> Names | None:
    """The names with a mark of the case, except on weights and biases, which are the same for all cases.

    Dolhansky has the case's target as a superscript, δ_j^(y_i), and ŷ_i − y_i at the output. Downing's names of his
    first half have d; the other texts have no mark.
    """
    if called is None or called.notation != "dolhansky":
        return called
    same = ("weight", "bias", "1 into", "slope")
    of = {own: name if own.startswith(same) else _of_case(name) for own, name in called.of.items()}
    if outputs > 1:
        of |= {f"target {k}": f"y_i,{k}" for k in range(1, outputs + 1)}
    return called._replace(of=of, target="y_i", loss=_of_case(called.loss))


def _of_case(name: str) -> str:
    return {"ŷ": "ŷ_i", "E": "E"}.get(name) or f"{name}^(y_i)"


def nodes_before(run: ForwardPass) -> list[int]:
    """How many nodes come before those of each layer, inputs first, and before what follows the last layer."""
    sizes = [len(end.nodes) for name, end in run.ends.items() if not name.startswith("sum(") and name != "loss"]
    return [0, *accumulate(sizes)]


def _weights_by_numbers(run: ForwardPass, before: list[int]) -> dict[str, str]:
    """w_ij by the numbers of its two nodes, in any two layers; an input without a number is "in1"."""
    numbers = {x: i for i, x in enumerate(run.inputs, 1)}
    for k, units in enumerate(run.layers.values(), 1):
        numbers |= {unit.output: before[k] + j for j, unit in enumerate(units, 1)}
    found = {}
    for unit in (unit for units in run.layers.values() for unit in units):
        own, times = numbers[unit.output], Counter(unit.inputs)
        for i, x in enumerate(unit.inputs):
            j = numbers.get(x) if times[x] == 1 else None  # one that feeds it twice has two weights
            found[f"weight {i} {unit.name}"] = f"w_{own},in{i + 1}" if j is None else f"w_{pair(own, j, own, j)}"
    return found


def _scores(run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """Names where the last layer has sums only, and the loss computes what the textbook calls its activations."""
    layer = list(run.layers)[-1]
    found = {layer: of[f"sum({layer})"], f"activation {layer}": of[layer]}
    for unit in run.layers[layer]:
        found |= {unit.name: of[f"sum({unit.name})"], f"activation {unit.name}": of[unit.name]}
    return found


def _function_alone(notation: str, run: ForwardPass) -> dict[str, str]:
    """Names for a model that is one activation function, without units: its inputs are sums, its outputs activations.

    LING3804 has f_i of x_1, ..., x_I for it, and Downing's softmax takes Z and gives S.
    """
    text, labels, softmax = TEXTS[notation], run.ends["inputs"].labels, run.last == "softmax"
    n = len(labels)
    if notation == "ling3804":
        of = {"inputs": "x", run.last: "f"} | {label: f"x_{j}" for j, label in enumerate(labels, 1)}
        return of | {label: f"f_{j}" for j, label in enumerate(run.ends[run.last].labels, 1)}
    if notation == "downing" and softmax:
        return {"inputs": "Z"} | {label: text.unit(1, 1, j, n) for j, label in enumerate(labels, 1)}
    of = {"inputs": text.sums(1, 1)} | {label: text.sum(1, 1, j, n) for j, label in enumerate(labels, 1)}
    if notation == "dolhansky" and softmax:
        return of
    of[run.last] = text.layer(1, 1)
    return of | {label: text.unit(1, 1, j, n) for j, label in enumerate(run.ends[run.last].labels, 1)}


def _what_came_in(text: Text, run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """Names for operands of units that are neither inputs nor units, such as outputs of a convolution.

    It has the names of a layer's activations where these are no other nodes' names. If they are, or would be numbers of
    nodes, a sum of nodes that have names is written as that sum, and anything else has a number.
    """
    known = {node: of[label] for end in run.ends.values() for label, node in zip(end.labels, end.nodes, strict=True)}
    taken, others = set(known.values()), {}
    found: dict[str, str] = {}
    for k, (layer, units) in enumerate(run.layers.items(), 1):
        for unit in units:
            mine = {i: x for i, x in enumerate(unit.inputs) if x not in known}
            n, d = len(unit.inputs), len(run.layers)
            new = {i: text.unit(k - 1, d, i + 1, n) for i, x in mine.items() if x not in others}
            free = not text.through and taken.isdisjoint(new.values())  # its node has no number
            for i, name in new.items():
                x = mine[i]
                others[x] = name if free else _sum_of_known(x, known) or f"input {i + 1} of {of[layer]}"
                while others[x] in taken:
                    others[x] += "′"
                taken.add(others[x])
            found |= {f"input {i} {unit.name}": others[x] for i, x in mine.items()}
    return found


def _sum_of_known(node: Value, known: dict[Value, str]) -> str:
    """Such as "(a_2,1 + a_3,1)" for a sum of at most four nodes that have names; "" for others."""
    terms = [node]
    while (inner := next((k for k, x in enumerate(terms) if x not in known), None)) is not None:
        if terms[inner].op not in ("add", "sum") or len(terms) > MOST_TERMS:
            return ""
        terms[inner : inner + 1] = terms[inner].parents
    return f"({' + '.join(known[x] for x in terms)})" if len(terms) <= MOST_TERMS else ""


def _shared(run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """A weight that units share is one node and has one name, that of its first use."""
    first: dict[Value, str] = {}
    found: dict[str, str] = {}
    for unit in (unit for units in run.layers.values() for unit in units):
        own = {f"weight {i} {unit.name}": w for i, w in enumerate(unit.weights)}
        if unit.bias is not None:
            own[f"bias {unit.name}"] = unit.bias
        found |= {name: first.setdefault(p, of[name]) for name, p in own.items()}
    return found


def _weights_by_ends(run: ForwardPass, of: dict[str, str]) -> dict[str, str]:
    """Dolhansky's w_i→j by the letters of the two units, whichever layers they are in."""
    letters = {x: of[label].partition("_")[2] for label, x in zip(run.ends["inputs"].labels, run.inputs, strict=True)}
    units = [unit for units in run.layers.values() for unit in units]
    letters |= {unit.output: of[f"sum({unit.name})"].partition("_")[2] for unit in units}
    for unit in units:
        for i, x in enumerate(unit.inputs):
            name = of.get(f"input {i} {unit.name}", "")
            if x not in letters and "_" in name and " " not in name:
                letters[x] = name.partition("_")[2]
    found = {}
    for unit in units:
        times = Counter(unit.inputs)
        for i, x in enumerate(unit.inputs):
            letter = letters.get(x) if times[x] == 1 else None  # one that feeds it twice has two weights
            found[f"weight {i} {unit.name}"] = f"w_{letter or i + 1}→{letters[unit.output]}"
    return found


def _small_network(run: ForwardPass) -> dict[str, str]:
    """Dolhansky's own networks, in which every unit has a letter: i → j → k → o, i and j → k → o, in → i → j and k → o.

    So they have where no layer has more than two units, and there are at most five besides the outputs. A single input
    is called "in" where some layer has two.
    """
    *inner, last = [list(run.ends["inputs"].labels), *([unit.name for unit in units] for units in run.layers.values())]
    counts = [len(names) for names in inner]
    branched = max(counts, default=0) == 2 or branches(run)
    if not run.layers or max(counts) > 2 or sum(counts) > 5 or not branched:
        return {}
    known: dict[str, str] = {}
    letters = iter("i" + MIDDLE)
    for k, names in enumerate(inner):
        known |= {name: "in" if k == 0 and counts[0] == 1 else next(letters) for name in names}
    known |= {name: "o" if len(last) == 1 else f"o{j}" for j, name in enumerate(last, 1)}
    of = {label: f"x_{known[label]}" for label in inner[0]}
    for k, (layer, units) in enumerate(run.layers.items(), 1):
        before, node = inner[k - 1], ",".join(known[unit.name] for unit in units)
        output = k == len(run.layers)
        if not output:
            of |= {layer: f"z_{node}", f"sum({layer})": f"s_{node}", f"signal {layer}": f"δ_{node}"}
        of[f"weights of {layer}"] = f"w_{','.join(known[name] for name in before)}→{'o' if output else node}"
        for unit in units:
            letter = known[unit.name]
            if not output:
                of[unit.name] = f"z_{letter}"
            of |= {f"sum({unit.name})": f"s_{letter}", f"signal {unit.name}": f"δ_{letter}"}
            of[f"bias {unit.name}"] = f"b_{letter}"
    return of


def is_lone_unit(run: ForwardPass) -> bool:
    """Whether the whole model is one unit on the inputs: a `Neuron`, or a layer with one."""
    if not run.alone or set(run.ends) - {"loss"} != {"inputs", *run.layers, *(f"sum({k})" for k in run.layers)}:
        return False
    [units] = run.layers.values()
    return list(units[0].inputs) == list(run.inputs)


def _logistic_regression(run: ForwardPass, first: bool) -> dict[str, str]:  # noqa: FBT001
    """CS60050's names for logistic regression: x_1, w_1, b, z and a, and dz for the signal, in its first half.

    In its second all parameters are θ, with θ_0 for a unit x_0 that is 1, and the activation is h_θ(x).
    """
    [(layer, [unit])] = run.layers.items()
    a, signal, w, b = ("a", "dz", "w", "b") if first else ("h_θ(x)", "δ", "θ", "θ_0")
    of = {"inputs": "x", f"weights of {layer}": w, f"biases of {layer}": b, f"bias {unit.name}": b}
    if not first:
        of[f"1 into {layer}"] = "x_0"
        del of[f"biases of {layer}"]
    for own in (layer, unit.name):
        of |= {own: a, f"sum({own})": "z", f"signal {own}": signal}
    of |= {label: f"x_{i}" for i, label in enumerate(run.ends["inputs"].labels, 1)}
    return of | {f"weight {i} {unit.name}": f"{w}_{i + 1}" for i in range(len(unit.weights))}


def branches(run: ForwardPass) -> bool:
    """Whether some layer is fed by a layer other than the one before it."""
    known = {*run.inputs, *(unit.output for units in run.layers.values() for unit in units)}
    before = set(run.inputs)
    for units in run.layers.values():
        if any(x in known and x not in before for unit in units for x in unit.inputs):
            return True
        before = {unit.output for unit in units}
    return False


def _after_the_last_layer(notation: str, run: ForwardPass, before: list[int], known: dict[str, str]) -> dict[str, str]:
    """Names for a softmax, or any other stage after the last layer, and for its operands.

    After a linear layer it is that layer's activation, and the layer has sums alone; Downing has it as a layer S.
    """
    text, d = TEXTS[notation], len(run.layers)
    outputs = {unit.output: known[unit.name] for units in run.layers.values() for unit in units}
    of: dict[str, str] = {}
    stages = [end for name, end in run.ends.items() if name not in run.layers and name not in ("inputs", "loss")]
    for more, end in enumerate((end for end in stages if not end.name.startswith("sum(")), 1):
        n = len(end.labels)
        units = list(run.layers.values())[-1] if d else ()
        alone = d > 0 and _made_of(end.nodes, units, run)
        linear = more == 1 and alone and all(unit.output is unit.sum for unit in units)
        softmax = end.name.startswith("softmax")
        if notation in ("downing", "dolhansky") and (softmax or d or more > 1):
            letter = ("S" if softmax else "O") + (str(more) if more > 1 else "")
            if notation == "dolhansky":
                letter = letter.lower()
            of[end.name] = letter
            of |= {label: f"{letter.lower()}_{j}" for j, label in enumerate(end.labels, 1)}
            continue
        if text.through and all(node in outputs for node in end.nodes):  # units of several layers, which have numbers
            of[end.name] = text.layer(d + more, d + more)
            of |= {label: outputs[node] for label, node in zip(end.labels, end.nodes, strict=True)}
            continue
        if d and not alone and not text.through:  # no layer's activations, such as a sum over a skip
            letter = "o" + (str(more) if more > 1 else "")
            of[end.name] = letter
            of |= {label: f"{letter}_{j}" for j, label in enumerate(end.labels, 1)}
            continue
        k = d if linear else d + more
        of[end.name] = text.layer(k, k)
        of |= {label: text.unit(k, k, before[k] + j, n) for j, label in enumerate(end.labels, 1)}
        if linear:
            last = list(run.layers)[-1]
            of[last] = text.sums(d, d)
            of |= {unit.name: text.sum(d, d, before[d] + j, n) for j, unit in enumerate(units, 1)}
    return of


def _made_of(nodes: Sequence[Value], units: Sequence[Unit], run: ForwardPass) -> bool:
    """Whether nodes depend on these units' outputs, and on no input or other unit."""
    own = {unit.output for unit in units}
    others = {*run.inputs, *(node for each in run.layers.values() for unit in each for node in (unit.sum, unit.output))}
    seen, waiting = set(nodes), list(nodes)
    while waiting:
        node = waiting.pop()
        if node in own:
            continue
        if node in others:
            return False
        new = [parent for parent in node.parents if parent not in seen]
        seen.update(new)
        waiting += new
    return True


def put_labels(run: ForwardPass, given: Names) -> None:
    """Label the nodes of a pass and the model's parameters with these names, which pictures and steps show."""
    for label, node in zip(run.ends["inputs"].labels, run.inputs, strict=True):
        node.label = given(label)
    for units in run.layers.values():
        for unit in units:
            for i, w in enumerate(unit.weights):
                w.label = given(f"weight {i} {unit.name}")
            for i, x in enumerate(unit.inputs):
                name = given(f"input {i} {unit.name}")
                if not x.label and f"input {i} {unit.name}" in given.of and not name.startswith("("):
                    x.label = name
            if unit.bias is not None:
                unit.bias.label = given(f"bias {unit.name}")
            unit.sum.label = given(f"sum({unit.name})")
            unit.output.label = given(unit.name)  # the activation's name, where they are one node
    for name, end in run.ends.items():
        if name not in run.layers and not name.startswith("sum(") and name not in ("inputs", "loss"):
            for label, node in zip(end.labels, end.nodes, strict=True):
                node.label = given(label)
    if run.loss is not None:
        run.loss.label = given.loss
