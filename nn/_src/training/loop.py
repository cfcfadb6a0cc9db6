"""`fit`: the training loop."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, Any

from autograd_core import MissingExtraError, OperandError, StructureError, UsageWarning
from autograd_core._src.any_object import shown
from autograd_core._src.engine.elsewhere import ON_FIT
from autograd_core._src.engine.provenance import warn_user
from autograd_core._src.wrong_calls import refuse_options, says_how

from ..data.dataset import cases_of, check_finite, parted
from ..metrics.accuracy import right_for
from ..modules.module import Module, check_module
from ..support.tables import number
from ..support.validation import LOSS, ONE_PREDICTION, callable_of, generator, real, whole
from .case_programs import is_available
from .history import History
from .optimizer import Optimizer
from .optimizers import Adam
from .order import Order
from .progress import bar
from .second_order import NewtonCG
from .stopping import EarlyStopping, Stopwatch, check_monitor
from .task import Task
from .training_run import TrainingRun
from .unmoved import unmoved_units, warn_of_dead_layers

if TYPE_CHECKING:
    import random
    from typing import Never

    from autograd_core import Film

    from ..metrics.accuracy import Loss, Right

GREW = 1e3  # a loss so many times that before training counts as diverged
SHOWN = 0.05  # seconds between two changes of the text beside a progress bar


@says_how
def fit(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | NewtonCG | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation: float | tuple[Any, Any] | None = None,
    l2: float = 0.0,
    l2_biases: bool = True,
    early_stopping: EarlyStopping | None = None,
    max_grad_norm: float | None = None,
    accuracy: Right | None = None,
    seed: int | random.Random | None = None,
    compiled: bool | None = None,
    watch: Film | None = None,
    progress: bool = True,
    **options: Never,
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
        optimizer: With the model's parameters, or without any: then it gets them. One that has done
            some epochs goes on after them (see below). None is `Adam(model, lr=0.01)`.
            `NewtonCG(model)` computes the loss of a batch several times per step, on graphs.
        epochs: How often to go through the data, at least 1.
        batch_size: Cases per step, at least 1; None for all of them.
        shuffle: Whether each epoch takes the cases in another order; each comes once, while texts that "sample"
            a minibatch may take one twice and leave one out.
        validation: A share of the data, between 0 and 1, that is set aside at random, at least one case, or a pair
            `(X, y)`; measured after every epoch, never trained on. None or 0 for none.
        l2: This times the sum of all squared parameters is added to the loss of every batch; at
            least 0. The regularised cost J = mean loss + lambda / 2n * (sum of squares) has l2 = lambda / 2n, and
            with K outputs a loss that sums over them, `functools.partial(nn.binary_cross_entropy,
            reduction="batchmean")`; see `nn.cost`.
        l2_biases: False leaves parameters called "b" or "bias" out of that sum.
        early_stopping: When to end before all epochs are done, and which weights to keep.
        max_grad_norm: The gradient is shortened to this length, see `clip_grad_norm`.
        accuracy: A function of one prediction (plain numbers) and its target: whether it is
            right. The classification losses bring their own.
        seed: An int or a `random.Random` that rules validation split and order.
        compiled: None: on compiled programs where NumPy and llvmlite are there (extra `fast`), and
            model and loss can be traced without taking more than four branches on a case's numbers;
            else on graphs. `History.ran` says which, and why. How much there is to do does not
            matter. True: on programs, or an error. False: on graphs. The losses are the same up to
            rounding. The first batch is always run on graphs too, and programs are used only where
            they give what it gave; after that the model's Python code is not called any more, so
            what it prints or plots is not seen. Parameters and gradients stand in the model when
            `fit` ends.
        watch: `ag.Film(every=10)` gives a living page over the epochs, `History.film`: a slider goes through them,
            and any gradient is explained at any epoch. Cases are shown in `eval` mode, without `l2`.
        progress: Whether to show a bar; without tqdm (extra `plot`) it is a line of text.
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Returns:
        The `History`.

    Raises:
        OperandError: An argument of a wrong type, a loss that does not give a Value, or an option that does not exist.
        RangeError: A number out of its bounds, a column of X or y that is NaN or infinite in every case,
            or a target or prediction that the loss cannot take.
        StructureError: Lengths that do not fit, no data, or no parameters; or with `compiled=True` a
            model that cannot be compiled, and why; `NewtonCG` with `compiled=True` or `max_grad_norm`.
        MissingExtraError: `compiled=True` without NumPy and llvmlite.

    Going on later: with the model and the optimizer as they were saved, the same data and int as
    `seed`, some epochs and then some more give the same bits as all of them at once: `optimizer.epochs`
    says how many were done, and the cases come in the order that they would have had. So it is wherever
    they are cut, also by Ctrl-C: of an epoch under way the steps that were taken stay, and it begins again.
    A loss or model that keeps something in Python from call to call has to keep it itself (a model's file
    holds its generators, as `Dropout` has one), and early stopping begins anew.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.xor()
        >>> model = nn.MLP(2, [4, 1], "tanh", seed=1)
        >>> history = nn.fit(model, X, y, loss=nn.binary_cross_entropy_with_logits,
        ...                  optimizer=nn.Adam(lr=0.1), epochs=60, progress=False)
        >>> history.accuracy[-1]
        1.0

        Stop, and go on in another process:

        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> def train(model, optimizer, epochs):
        ...     nn.fit(model, X, y, loss=nn.binary_cross_entropy_with_logits, optimizer=optimizer, epochs=epochs,
        ...            batch_size=2, seed=1, progress=False)
        >>> model = nn.MLP(2, [4, 1], "tanh", seed=1)
        >>> optimizer = nn.Adam(model, lr=nn.schedules.cosine(0.1, steps=20))
        >>> train(model, optimizer, epochs=5)
        >>> model.save(folder / "model.json"); optimizer.save(folder / "optimizer.json")

        >>> later = nn.MLP(2, [4, 1], "tanh").load(folder / "model.json")
        >>> train(later, nn.Adam(later).load(folder / "optimizer.json"), epochs=5)
        >>> train(model, optimizer, epochs=5)  # had it not stopped
        >>> later.state_dict() == model.state_dict()
        True
    """
    if options:
        refuse_options("fit", options, ON_FIT, fit)
    _check(model, loss, optimizer, early_stopping, accuracy, watch, compiled=compiled)
    epochs = whole(epochs, "fit: epochs")
    rng = generator(seed)
    given = cases_of(X, y)
    check_finite(given)
    cases, unseen = parted(given, validation, rng)
    task = Task(
        model,
        loss,
        accuracy or right_for(loss),
        len(cases.targets) if batch_size is None else whole(batch_size, "fit: batch_size"),
        real(l2, "fit: l2", 0.0),
        l2_biases,
        None if max_grad_norm is None else real(max_grad_norm, "fit: max_grad_norm", 0.0),
    )
    check_monitor(early_stopping, has_validation=unseen is not None, has_accuracy=task.right is not None)
    if isinstance(optimizer, NewtonCG):
        if compiled or max_grad_norm is not None:
            msg = "fit: optimizer: NewtonCG trains on graphs, in a trust region; leave out compiled and max_grad_norm"
            raise StructureError(msg)
        compiled = False
    elif compiled is None and not is_available():
        compiled = False
    run = TrainingRun(task, cases, unseen, compiled)
    untrained, weights = run.start, run.weights()
    optimizer = optimizer or Adam(lr=0.01)
    if isinstance(optimizer, Optimizer) and not optimizer.params:
        optimizer.bind(model)
    elif not set(optimizer.params) <= set(model.parameters()):
        msg = "fit: optimizer: expected one for this model, got one with parameters of another; make one per model"
        raise StructureError(msg)

    run.optimizer, run.epochs = optimizer, epochs
    before = optimizer.epochs if isinstance(seed, int) else 0  # a generator is taken as it is
    steps = bar(epochs, "fit", progress=progress)
    if watch is not None:
        run.film_with(watch)
    history = _train(run, Stopwatch(early_stopping), steps, rng if shuffle else None, before, is_shared=seed is rng)
    if isinstance(optimizer, Optimizer):
        history.lr = optimizer.lr
    if history.best_epoch is None:
        _warn_if_it_grew(history, untrained)
    if history.lr != 0 and any(history.loss):
        unmoved = unmoved_units(model, weights, optimizer.params)
        history.unmoved = [unit for units in unmoved.values() for unit in units]
        warn_of_dead_layers(model, unmoved)
    return history


def _warn_if_it_grew(history: History, start: float) -> None:
    """Warn of training that diverged, as it does at too large a learning rate."""
    last = history.loss[-1]
    if not math.isfinite(start) or last <= GREW * abs(start) + GREW:
        return
    at = f" at lr={history.lr:g}" if history.lr else ""
    lower = f"a smaller lr ({history.lr / 10:g}, say)" if history.lr else "smaller steps"
    msg = (
        f"fit: the loss grew from {number(start, 3)} before training to {number(last, 3)} after "
        f"{len(history.loss)} epochs{at}: "
        f"start anew with {lower}, scaled inputs (nn.StandardScaler), or max_grad_norm=1.0"
    )
    warn_user(msg, UsageWarning)


def _is_film(watch: Any) -> bool:
    """Whether it is a `Film`, whose module is imported only where one is."""
    from autograd_core import Film

    return isinstance(watch, Film)


def _check(
    model: Any, loss: Any, optimizer: Any, early_stopping: Any, accuracy: Any, film: Any, *, compiled: bool | None
) -> None:
    """Raise where an argument of `fit` is of a wrong type, or an extra is missing."""
    check_module(model, "fit: model")
    callable_of(loss, "fit: loss", LOSS)
    if accuracy is not None:
        callable_of(accuracy, "fit: accuracy", ONE_PREDICTION)
    if optimizer is not None and not isinstance(optimizer, (Optimizer, NewtonCG)):
        msg = f"fit: optimizer: expected an Optimizer such as nn.SGD(lr=0.1), got {shown(optimizer)}"
        raise OperandError(msg)
    if compiled and not is_available():
        msg = "fit: compiled=True needs NumPy and llvmlite: pip install 'autograd-core[fast]'"
        raise MissingExtraError(msg)
    if not isinstance(early_stopping, (EarlyStopping, type(None))):
        msg = f"fit: early_stopping: expected an EarlyStopping(patience=10), got {shown(early_stopping)}"
        raise OperandError(msg)
    if film is not None and not _is_film(film):
        msg = f"fit: watch: expected a Film such as ag.Film(every=10), got {shown(film)}"
        raise OperandError(msg)


def _train(
    run: TrainingRun, watch: Stopwatch, epochs: Any, rng: random.Random | None, before: int, *, is_shared: bool
) -> History:
    """Run the epochs. With a generator each has an order of its own; orders of epochs done before are skipped over."""
    history, task, best, shown = History(), run.task, None, 0.0
    n = len(run.cases.targets)
    order = Order(n, rng if task.batch_size < n else None, is_shared=is_shared)
    for _ in range(before):
        order.shuffle()
    try:
        for _ in epochs:
            *seen, penalty = run.improve(order, ahead=not (is_shared or run.unseen or watch.rule or run.filming))
            task.note(history.loss, history.accuracy, seen)
            if task.l2:
                history.penalty.append(penalty)
            if run.unseen:
                task.note(history.val_loss, history.val_accuracy, run.measure(run.unseen))
            if run.filming:
                run.filming.take(len(history.loss), run.weights())
            if monotonic() > shown + SHOWN or len(history.loss) == run.epochs:
                epochs.set_postfix_str(history.last(), refresh=False)
                shown = monotonic()
            if watch.improved(history) and watch.restores:
                best = run.weights()
            if watch.over:
                epochs.set_postfix_str(history.last(), refresh=False)
                break
        if run.filming:
            history.film = run.filming.finish()
        if best is not None:
            run.restore(best)
    finally:
        run.finish()
    history.ran = run.name
    history.best_epoch = watch.best_epoch or None
    return history
