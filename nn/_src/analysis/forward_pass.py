"""One forward pass with its layers by name, read off the graph that the model built."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value, sigmoid, softmax, topological_order
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ..modules.activations import Softmax
from ..modules.convolution import _Convolution
from ..modules.layers import Layer, Linear, Neuron, Sequential
from ..modules.loss_terms import of_one_case
from ..modules.losses import made_of_scores
from ..modules.module import Module, check_module
from ..modules.recurrent import RNN, _Recurrent
from ..notation.boxes import put_boxes
from ..notation.naming import names, put_labels
from ..support.validation import callable_of, plain
from ..teaching.forward_formulas import explicit_formulas, forward_formulas
from ..teaching.matrix_formulas import forward_matrices
from .layers_by_name import ForwardPass, JacobianEnd, Unit, with_targets
from .units import COUNTED, SUMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..support.names import Names

    _Part = tuple[str, list[Value], Value | None]  # a unit: its name within its layer, weights, bias


WRITERS = (forward_formulas, explicit_formulas, forward_matrices)
OWN = frozenset({"inputs", "outputs", "softmax", "loss"})  # reserved: no layer may have these names


@says_how
def forward_pass(
    model: Module,
    x: Any,
    target: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    notation: str | None = None,
) -> ForwardPass:
    """Run a model on one case, and find its layers in the graph: weighted sums s, activations z, the loss.

    Any module that consists of `Neuron`s, `Layer`s and `Linear`s will do: `MLP`, `Sequential`, one of your
    own. A weighted sum is the node that the bias was added in (without bias, the `dot` with the
    weights); an activation is what then depends on that sum alone, or on those of one layer by a softmax.

    Layers are called "layer1", "layer2", ... in the order of the pass, or as the scope that they were
    built in; those of a module of your own have the names of its attributes.

    A model of something else, such as a convolution, has its inputs and outputs. An `RNN` alone has a stage for each
    step, "step0", "step1", ..., the state h after it: `nn.layer_jacobian(rnn, x, of="step3", to="step1")` is the
    derivative of a state with respect to an earlier one. The state of an `LSTM` is (h, c), so steps of h alone do not
    determine each other: it has outputs, and `nn.signal_over_time` measures it.

    Args:
        model: The module; one without randomness (call `model.eval()` where it has `Dropout`).
        x: One case: what the model takes. Plain numbers become nodes x0, x1, ...
        target: What the loss wants as its second argument.
        loss: A function of `(prediction, target)`, such as `nn.mse`; None for no loss.
        notation: "downing" (its second half, with matrices), "downing-first" (its first, with o_id and w_ij, to i from
            j; nodes are counted through the network, inputs first), "dolhansky", "lecture" (its second half, where
            a_1 = x), "lecture-first" (its linear network, where a_0 = x), "cs60050" (its second half, with Theta),
            "cs60050-first" (its first, with W and b; a lone `Neuron`, or a `Layer` of one unit, is its logistic
            regression, with z, a, dz, dw_1 and db, and in "cs60050" with θ, x_0 = 1 and h_θ(x)) or "ling3804": the
            graph's nodes and the model's parameters are labelled as that text calls them, so pictures and steps have
            its names, also around layers and units: "layer Y", "node 1". Parameters keep these labels.

    Returns:
        A `ForwardPass`.

    Raises:
        OperandError: The model is no Module, or the loss no function.
        RangeError: There is no such notation.
        StructureError: The model uses a unit twice, or a unit does not reach the end; or `x` is a list of cases.

    Example:
        >>> import nn
        >>> run = nn.forward_pass(nn.MLP(2, [3, 1], "tanh", seed=0), [1.0, -1.0], 1.0, loss=nn.mse)
        >>> list(run.ends)
        ['inputs', 'sum(layer1)', 'layer1', 'sum(layer2)', 'layer2', 'loss']
        >>> print(nn.forward_pass(nn.MLP(2, [1], init=nn.init.constant(1.0)), [1.0, -1.0]))
        Forward pass  s = w · x + b, z = f(s)
        name            s   z
        x0                  1
        x1                 −1
        layer1/neuron0  0   0
    """
    check_module(model, "forward_pass")
    if loss is not None:
        callable_of(loss, "forward_pass: loss", "a prediction and its target such as nn.mse")
    named: list[tuple[str, Value]] = []
    groups = _groups(model)
    boxed = _boxed(x, "x", named)
    stages = {} if groups or isinstance(model, _Recurrent) else _stages(model, boxed)
    prediction = list(stages.values())[-1] if stages else _predicted(model, boxed)
    if isinstance(model, _Recurrent):
        stages = {"outputs": prediction}
        if isinstance(model, RNN):
            stages = {f"step{t}": h for t, h in enumerate(prediction[0])}
    inputs = tuple(node for _, node in named)
    outputs = tuple(dict.fromkeys(y for y in _leaves(prediction) if isinstance(y, Value)))
    error = None if loss is None else of_one_case(loss, prediction, target)
    for what, y in (("model whose prediction", outputs or prediction), ("loss whose result", error)):
        if y is not None and not isinstance(y, (Value, tuple)):
            msg = f"forward_pass: expected a {what} is a graph, got {shown(y)}"
            raise StructureError(msg)
    tops = outputs if error is None else (error,)
    layers = _Reading(model, groups, inputs, outputs, tops).layers() if groups else {}
    ends = {"inputs": JacobianEnd("inputs", tuple(name for name, _ in named), inputs)}
    for name, units in layers.items():
        labels = tuple(unit.name for unit in units)
        summed = tuple(f"sum({label})" for label in labels)
        ends[f"sum({name})"] = JacobianEnd(f"sum({name})", summed, tuple(unit.sum for unit in units))
        ends[name] = JacobianEnd(name, labels, tuple(unit.output for unit in units))
    if groups and [id(unit.output) for unit in list(layers.values())[-1]] != [id(y) for y in outputs]:
        shares = _is_softmax(model) or all(y.op == "softmax" for y in outputs)
        stages = {"softmax" if shares else "outputs": prediction}
    for name, stage in stages.items():
        nodes = tuple(dict.fromkeys(y for y in _leaves(stage) if isinstance(y, Value)))
        middle = "/" if name[-1].isdigit() else ""
        labels = tuple(f"{name}{middle}{i}" for i in range(len(nodes)))
        if isinstance(model, _Recurrent):  # a state by its step and its name
            labels = tuple(f"{y.scope.rpartition('/')[2]}/{y.label or i}" for i, y in enumerate(nodes))
        if nodes:
            ends[name] = JacobianEnd(name, labels, nodes)
    if error is not None:
        ends["loss"] = JacobianEnd("loss", ("loss",), (error,))
    asked = None if error is None else (loss, target)
    alone = isinstance(model, (Neuron, Layer, Linear)) and sum(map(len, layers.values())) == 1
    run = ForwardPass(
        inputs, layers, outputs, error, ends, _without_units(model, groups), alone=alone, _asked=asked, _writers=WRITERS
    )
    function = made_of_scores(loss) if takes_sums(run) else ""
    given = names(notation, run, "forward_pass", scores=bool(function))
    if given is None:
        return run
    put_labels(run, given)
    put_boxes(run, given, {m._scope for _, m in model.named_modules() if isinstance(m, (_Recurrent, _Convolution))})
    return with_targets(replace(run, names=given, of_scores=activations_of_scores(function, run, given)))


def takes_sums(run: ForwardPass) -> bool:
    """Whether a loss takes the sums of the last layer as they are."""
    return run.loss is not None and run.last in run.layers and all(u.output is u.sum for u in run.layers[run.last])


def activations_of_scores(function: str, run: ForwardPass, given: Names) -> tuple[Value, ...]:
    """The activations that a loss computes from scores, as named nodes above the scores; the loss does not use them."""
    if not function:
        return ()
    sums = [unit.sum for unit in run.layers[run.last]]
    found = softmax(sums) if function == "softmax" else [sigmoid(s) for s in sums]
    for unit, node in zip(run.layers[run.last], found, strict=True):
        node.label = given(f"activation {unit.name}")
    return tuple(found)


def with_layers(run: ForwardPass, model: Module, caller: str) -> ForwardPass:
    """The pass, if the model has layers.

    Raises:
        StructureError: It has none.
    """
    if not run.layers:
        msg = f"{caller}: expected a model of Neurons, Layers or Linears, got {shown(model)}"
        raise StructureError(msg)
    return run


def _without_units(model: Module, groups: list[tuple[str, list[_Part]]]) -> tuple[str, ...]:
    """The modules that have parameters of their own, but no units that were read."""
    if not groups and not isinstance(model, Sequential) and model.parameters():
        return (type(model).__name__,)
    read = {id(p) for _, parts in groups for _, w, b in parts for p in (*w, b)}
    modules = sorted((name for name, _ in model.named_modules() if name), key=len, reverse=True)
    names = [name for name, p in model.named_parameters() if id(p) not in read]
    owners = (next((m for m in modules if name.startswith(m + ".")), name) for name in names)
    return tuple(dict.fromkeys(owners))


def _boxed(x: Any, name: str, named: list[tuple[str, Value]]) -> Any:
    """The case with nodes for its numbers, which are also put into `named`; nodes are left as they are."""
    x = plain(x)
    if isinstance(x, list):
        flat = name == "x" and not any(isinstance(plain(y), list) for y in x)
        return [_boxed(y, f"x{i}" if flat else f"{name}[{i}]", named) for i, y in enumerate(x)]
    node = x if isinstance(x, Value) else Value(x, label=name)
    named.append((node.label or name, node))
    return node


def _predicted(model: Module, x: Any) -> Any:
    """The model's prediction.

    Raises:
        StructureError: There are several cases, or what the model makes of a case of another shape.
    """
    try:
        return model(x)
    except (OperandError, StructureError) as error:
        if not isinstance(x, list) or not x or not all(isinstance(row, list) for row in x):
            raise
        cases = f"a list of {len(x)} case{'s' if len(x) > 1 else ''}"
        msg = (
            f"forward_pass: x: expected one case, which the model takes, got {cases}, or a case of another shape; pass "
            f"x[0] for the first, or X to nn.cost, which takes several. The model said: {error.args[0]}"
        )
        raise StructureError(msg) from error


def _leaves(tree: Any) -> list[Any]:
    tree = plain(tree)
    return [x for part in tree for x in _leaves(part)] if isinstance(tree, list) else [tree]


def _is_softmax(model: Any) -> bool:
    while isinstance(model, Sequential):
        model = model.modules[-1]
    return isinstance(model, Softmax)


def _stages(model: Any, x: Any) -> dict[str, Any]:
    """The outputs of the parts of a model without layers, one after the other."""
    parts, todo = [], [model]
    while todo:
        part = todo.pop()
        if isinstance(part, Sequential):
            todo += reversed(part.modules)
        else:
            parts.append(part)
    found: dict[str, Any] = {}
    for k, part in enumerate(parts, 1):
        x = part(x)
        name = "softmax" if isinstance(part, Softmax) else "outputs" if len(parts) == 1 else type(part).__name__.lower()
        found[name if len(parts) == 1 else f"{name}{k}"] = x
    return found


def _groups(model: Module) -> list[tuple[str, list[_Part]]]:
    """Each layer with its dotted name and its units."""
    groups: list[tuple[str, list[_Part]]] = []
    seen: set[int] = set()  # neurons that stand in a Layer
    for dotted, module in model.named_modules():
        parts: list[_Part] = []
        if isinstance(module, Layer):
            seen.update(map(id, module.neurons))
            parts = [(f"neuron{i}", neuron.w, neuron.b) for i, neuron in enumerate(module.neurons)]
        elif isinstance(module, Linear):
            biases: list[Any] = module.bias or [None] * len(module.weight)
            parts = [(f"neuron{i}", w, b) for i, (w, b) in enumerate(zip(module.weight, biases, strict=True))]
        elif isinstance(module, Neuron) and id(module) not in seen:
            parts = [("", module.w, module.b)]
        if parts:
            groups.append((dotted, parts))
    return groups


class _Reading:
    """A graph as the search for layers needs it: users of nodes, and nodes that depend on a single weighted sum."""

    def __init__(
        self,
        model: Module,
        groups: list[tuple[str, list[_Part]]],
        inputs: tuple[Value, ...],
        outputs: tuple[Value, ...],
        tops: tuple[Value, ...],
    ) -> None:
        self.groups = groups
        self.order: list[Value] = below(tops)
        self.place = {node: i for i, node in enumerate(self.order)}
        self.users: dict[Value, list[Value]] = {node: [] for node in self.order}
        for node in self.order:
            for parent in node.parents:
                self.users[parent].append(node)
        self.ends = set(outputs)
        self.weighty = {*model.parameters(), *inputs}
        own = {p for _, parts in groups for _, w, b in parts for p in (*w, b) if p is not None}
        self.free = {p for p in model.parameters() if p not in own} - set(inputs)  # parameters of no unit

    def layers(self) -> dict[str, tuple[Unit, ...]]:
        """The layers by name, in the order of the pass."""
        found = []
        for dotted, parts in self.groups:
            name = _layer_name(dotted, parts[0][1][0].scope, alone=not parts[0][0])
            found.append((name, [(part, w, b, *self.sum_of(name, w, b)) for part, w, b in parts]))
        found.sort(key=lambda layer: self.place[layer[1][0][4]])
        names = [name for name, _ in found]
        unique = all(names) and len(set(names)) == len(names) and OWN.isdisjoint(names)
        outputs = self.activations([s for _, units in found for *_, s in units])
        for _, units in found:
            outputs |= self.shares([s for *_, s in units], outputs)
        return {
            layer: tuple(
                Unit(f"{layer}/{part}" if part else layer, tuple(w), dot.parents[len(w) :], dot, s, outputs[s], b)
                for part, w, b, dot, s in units
            )
            for layer, units in ((name if unique else f"layer{k}", us) for k, (name, us) in enumerate(found, 1))
        }

    def sum_of(self, name: str, w: Sequence[Value], b: Value | None) -> tuple[Value, Value]:
        """The node `dot(w, x)` and the weighted sum, once per pass."""
        dots = [node for node in dict.fromkeys(self.users.get(w[0], [])) if node.op == "dot"]
        if len(dots) != 1:
            msg = f"forward_pass: {name or 'a layer'}: expected each unit once in the graph, but one "
            if dots:
                msg += f"is used {len(dots)} times, so it has no one error signal; explain() has the part of each use"
            else:
                msg += "does not reach its end: under no_grad(), or by Dropout in training (model.eval() turns it off)?"
            raise StructureError(msg)
        [dot] = dots
        summed = [] if b is None else [node for node in self.users[b] if dot in node.parents]
        return dot, summed[0] if summed else dot

    def activations(self, sums: Iterable[Value]) -> dict[Value, Value]:
        """For each weighted sum the last node that depends on it alone; the sum itself if there is not one last."""
        region: dict[Value, Value] = {s: s for s in sums}
        for node in self.order:
            if node in region:
                continue
            known = [p for p in node.parents if p.parents or p in self.weighty]  # others are constants
            if node.op in SUMS:  # a bias outside of layers: it belongs to the activation, as in b(z) = tanh(z + c)
                known = [p for p in known if p not in self.free]
            of = {region.get(p) for p in known}
            if len(of) == 1 and None not in of and not any(p in self.ends for p in known):
                region[node] = of.pop()  # type: ignore[assignment]
        exits: dict[Value, list[Value]] = {}
        for node, s in region.items():
            if node in self.ends or any(region.get(user) is not s for user in self.users[node]):
                exits.setdefault(s, []).append(node)
        return {s: exits[s][0] if len(exits.get(s, ())) == 1 else s for s in region.values()}


    def shares(self, sums: list[Value], outputs: dict[Value, Value]) -> dict[Value, Value]:
        """For each sum of a layer its share in a softmax, if all sums of the layer enter one within the model."""
        found: dict[Value, Value] = {}
        for s in sums:
            of_s = [node for node in self.users[s] if node.op == "softmax" and node.parents[0] is s]
            if len(of_s) == 1 and outputs[s] is s and of_s[0] not in self.ends:
                found[s] = of_s[0]
        alone = len({id(node.parents[1]) for node in found.values()}) == 1
        return found if alone and len(found) == len(sums) > 1 else {}


def below(tops: Sequence[Value]) -> list[Value]:
    """Topological order of everything below several nodes."""
    found: dict[Value, None] = {}
    for top in tops:
        if top not in found:
            found.update(dict.fromkeys(topological_order(top)))
    return list(found)


def _layer_name(dotted: str, scope: str, *, alone: bool) -> str:
    """As the scope or an attribute has it; "" for one that is to be counted."""
    named = scope if alone else scope.rpartition("/")[0]
    if named or dotted.startswith(COUNTED):
        return named
    return dotted
