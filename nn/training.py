"""`fit`: the training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import OperandError, RangeError, StructureError, Value

from . import losses
from .checks import generator, plain, real, shown, whole
from .clipping import clip_grad_norm
from .history import History
from .module import Module
from .optimizers import Adam, Optimizer
from .progress import bar

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    Loss = Callable[[Any, Any], Any]
    Right = Callable[[Any, Any], bool]


class Cases(NamedTuple):
    """Inputs with their targets."""

    inputs: list[Any]
    targets: list[Any]

    def batches(self, order: list[int], size: int) -> Iterator[Cases]:
        """All of them in an order, some at a time."""
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            yield Cases([self.inputs[i] for i in chosen], [self.targets[i] for i in chosen])


def _same_side(prediction: Any, target: Any, threshold: float, middle: float) -> bool:
    """Whether prediction and target agree; of several outputs all must."""
    ps, ts = losses.flat(prediction, target, "accuracy")
    return all((p > threshold) == (t > middle) for p, t in zip(ps, ts))


def _same_class(prediction: list[float], target: Any) -> bool:
    return _largest(prediction) == (_largest(target) if isinstance(target, list) else target)


def _largest(numbers: list[float]) -> int:
    return max(range(len(numbers)), key=numbers.__getitem__)


RIGHT: dict[Loss, Right] = {
    losses.hinge: lambda p, t: _same_side(p, t, 0.0, 0.0),
    losses.binary_cross_entropy: lambda p, t: _same_side(p, t, 0.5, 0.5),
    losses.binary_cross_entropy_with_logits: lambda p, t: _same_side(p, t, 0.0, 0.5),
    losses.cross_entropy: _same_class,
    losses.nll_loss: _same_class,
}


def fit(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation: float | tuple[Any, Any] | None = None,
    l2: float = 0.0,
    max_grad_norm: float | None = None,
    accuracy: Right | None = None,
    seed: int | random.Random | None = None,
    compiled: bool | None = None,
    progress: bool = True,
) -> History:
    """Train a model: for each batch forward, loss, backward, and one step of the optimizer.

    Before anything is changed the model and the loss are tried on all the data, so a row of a
    wrong length, or a target that the loss cannot take, raises while the parameters are what they
    were.

    Args:
        model: It is called with one row of X at a time.
        X: n inputs, a list of rows or a NumPy array.
        y: n targets, as the loss takes them.
        loss: A function of `(predictions, targets)`, both lists, such as `nn.mse`.
        optimizer: With the model's parameters, or without any: then it gets them.
            None is `Adam(model, lr=0.01)`.
        epochs: How often to go through the data, at least 1.
        batch_size: Cases per step, at least 1; None for all of them.
        shuffle: Whether each epoch takes the cases in another order.
        validation: A share of the data, between 0 and 1, that is set aside at random, or a pair
            `(X, y)`; measured after every epoch, never trained on.
        l2: This times the sum of all squared parameters is added to the loss; at least 0.
        max_grad_norm: The gradient is shortened to this length, see `clip_grad_norm`.
        accuracy: A function of one prediction (plain numbers) and its target: whether it is
            right. The classification losses bring their own.
        seed: An int or a `random.Random` that rules validation split and order.
        compiled: None or False. Training on a compiled program is not available yet; True says so.
        progress: Whether to show a bar; without tqdm (extra `plot`) it is a line of text.

    Returns:
        The `History`.

    Raises:
        OperandError: An argument of a wrong type, or a loss that does not give a Value.
        RangeError: A number out of its bounds, or a target that the loss cannot take.
        StructureError: Lengths that do not fit, no data, or no parameters.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.xor()
        >>> model = nn.MLP(2, [4, 1], "tanh", seed=1)
        >>> history = nn.fit(model, X, y, loss=nn.binary_cross_entropy_with_logits,
        ...                  optimizer=nn.Adam(lr=0.1), epochs=60, progress=False)
        >>> history.accuracy[-1]
        1.0
    """
    if not isinstance(model, Module):
        msg = f"fit: model: expected a Module, got {shown(model)}"
        raise OperandError(msg)
    if not callable(loss):
        msg = f"fit: loss: expected a function of predictions and targets such as nn.mse, got {shown(loss)}"
        raise OperandError(msg)
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        msg = f"fit: optimizer: expected an Optimizer such as nn.SGD(lr=0.1), got {shown(optimizer)}"
        raise OperandError(msg)
    if compiled:
        msg = "fit: compiled training is not available yet; leave compiled=None, which trains on the graphs themselves"
        raise RangeError(msg)
    epochs = whole(epochs, "fit: epochs")
    rng = generator(seed)
    cases, unseen = _split(_cases(X, y), validation, rng)
    task = Task(
        model,
        loss,
        accuracy or RIGHT.get(loss),
        len(cases.targets) if batch_size is None else whole(batch_size, "fit: batch_size"),
        real(l2, "fit: l2", 0.0),
        None if max_grad_norm is None else real(max_grad_norm, "fit: max_grad_norm", 0.0),
    )
    for data in filter(None, (cases, unseen)):
        task.measure(data)
    optimizer = optimizer or Adam(lr=0.01)
    if not optimizer.params:
        optimizer.bind(model)
    elif not set(optimizer.params) <= set(model.parameters()):
        msg = "fit: optimizer: expected one for this model, got one with parameters of another; make one per model"
        raise StructureError(msg)

    history = History()
    order = list(range(len(cases.targets)))
    epochs_left = bar(epochs, "fit", progress=progress)
    for _ in epochs_left:
        if shuffle and task.batch_size < len(order):
            rng.shuffle(order)
        task.note(history.loss, history.accuracy, task.improve(cases, order, optimizer))
        if unseen:
            task.note(history.val_loss, history.val_accuracy, task.measure(unseen))
        epochs_left.set_postfix_str(history.last(), refresh=False)
    return history


class Task(NamedTuple):
    """What is to be learned by which model, in batches of which size."""

    model: Module
    loss: Loss
    right: Right | None
    batch_size: int
    l2: float
    max_grad_norm: float | None

    def improve(self, cases: Cases, order: list[int], optimizer: Optimizer) -> tuple[float, float]:
        """One epoch of steps; the mean loss and the share of right cases on the way."""
        self.model.train()
        params = self.model.parameters()
        total = right = 0.0
        for batch in cases.batches(order, self.batch_size):
            value, hits = self.judged(batch)
            total, right = total + value.data * len(batch.targets), right + hits
            if self.l2:
                value = value + self.l2 * ag.dot(params, params)
            self.model.zero_grad()
            optimizer.zero_grad()
            value.backward()
            if self.max_grad_norm is not None:
                clip_grad_norm(optimizer.params, self.max_grad_norm)
            optimizer.step()
        return total / len(order), right / len(order)

    def measure(self, cases: Cases) -> tuple[float, float]:
        """Mean loss and share of right cases, without learning from them."""
        was = self.model.training
        self.model.eval()
        total = right = 0.0
        n = len(cases.targets)
        try:
            for batch in cases.batches(list(range(n)), self.batch_size):
                value, hits = self.judged(batch)
                total, right = total + value.data * len(batch.targets), right + hits
        finally:
            self.model.train(was)
        return total / n, right / n

    def judged(self, batch: Cases) -> tuple[Value, int]:
        """The loss of a batch, and how many of its cases are right."""
        predictions = [self.model(x) for x in batch.inputs]
        value = self.loss(predictions, batch.targets)
        if not isinstance(value, Value) or not value.parents:
            msg = (
                f"fit: loss: expected it to give a Value that depends on the model, got {shown(value)}; "
                "within no_grad() nothing does"
            )
            raise OperandError(msg)
        if self.right is None:
            return value, 0
        return value, sum(bool(self.right(_numbers(p), t)) for p, t in zip(predictions, batch.targets))

    def note(self, values: list[float], shares: list[float], seen: tuple[float, float]) -> None:
        """Keep what was seen in an epoch."""
        values.append(seen[0])
        if self.right is not None:
            shares.append(seen[1])


def _numbers(prediction: Any) -> Any:
    if isinstance(prediction, (list, tuple)):
        return [_numbers(p) for p in prediction]
    return prediction.data if isinstance(prediction, Value) else prediction


def _cases(X: Any, y: Any) -> Cases:
    rows, targets = plain(X), plain(y)
    for name, items, given in (("X", rows, X), ("y", targets, y)):
        if not isinstance(items, list):
            msg = f"fit: {name}: expected a list or an array with one item per case, got {shown(given)}"
            raise OperandError(msg)
    if not rows or len(rows) != len(targets):
        msg = f"fit: expected one target per row, at least one; got {len(rows)} rows and {len(targets)} targets"
        raise StructureError(msg)
    return Cases([plain(r) for r in rows], [plain(t) for t in targets])


def _split(cases: Cases, validation: Any, rng: random.Random) -> tuple[Cases, Cases | None]:
    """What to learn from, and what to measure on."""
    if validation is None:
        return cases, None
    if isinstance(validation, (tuple, list)):
        if len(validation) != 2:
            msg = f"fit: validation: expected a share or a pair (X, y), got {shown(validation)}"
            raise StructureError(msg)
        return cases, _cases(*validation)
    n = len(cases.targets)
    count = max(1, round(n * real(validation, "fit: validation", 0.0, 1.0)))
    if count >= n:
        msg = f"fit: validation: expected a share that leaves cases to learn from, got {validation!r} of {n} cases"
        raise RangeError(msg)
    order = rng.sample(range(n), n)
    learn, unseen = (next(cases.batches(part, n)) for part in (order[count:], order[:count]))
    return learn, unseen
