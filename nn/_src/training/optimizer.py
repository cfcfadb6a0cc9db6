"""`Optimizer`, the base class of all optimizers: parameters, learning rate, steps and state, with PyTorch's names.

Steps are dimensionless, as are rates and gradients. `g` is a parameter's gradient, `p` its value.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from autograd_core import OperandError, StructureError, Value
from autograd_core._src.any_object import brief, shown
from autograd_core._src.engine.elsewhere import ON_OPTIMIZER
from autograd_core._src.wrong_calls import refuse_options, says_how

from ...schedules import Schedule, as_schedule, schedule_from, state_of
from ..modules.module import Module
from ..support.resuming import Resumable, fields, numbers
from ..support.validation import plain, real, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Never

    from ...schedules import Rate

    Parameters = Module | Iterable[Value] | Iterable[tuple[str, Value]]

BIASES = ("b", "bias")


def named(parameters: Any, caller: str, if_number: str = "") -> list[tuple[str, Value]]:
    """The parameters of a Module, or those in a list, with their names. `if_number` is a hint if a number is given.

    Raises:
        OperandError: `parameters` is something else, or contains something else.
        StructureError: There are none, or one comes twice.
    """
    pairs: Any = parameters.named_parameters() if isinstance(parameters, Module) else plain(parameters)
    if not hasattr(pairs, "__iter__") or isinstance(pairs, (str, dict)):
        called = "; call it: model.parameters()" if getattr(parameters, "__name__", "") == "parameters" else ""
        hint = if_number if isinstance(pairs, (int, float)) else called
        msg = f"{caller}: expected a Module or a list of parameters, got {shown(parameters)}{hint}"
        raise OperandError(msg)
    found = []
    for item in pairs:
        name, p = item if isinstance(item, tuple) and len(item) == 2 else ("", item)
        if not isinstance(p, Value):
            msg = f"{caller}: expected parameters (Values), got {shown(p)} among them"
            raise OperandError(msg)
        if p.op:
            msg = f"{caller}: expected leaves as parameters, got the result of {p.op}; pass model.parameters()"
            raise OperandError(msg)
        found.append((name or p.label, p))
    if not found:
        msg = (
            f"{caller}: expected at least one parameter, got none; a Module's parameters are its Value attributes, and "
            "those in lists, tuples and dicts, but not in arrays: .tolist()"
        )
        raise StructureError(msg)
    if len({p for _, p in found}) < len(found):
        msg = f"{caller}: expected each parameter once, got one twice"
        raise StructureError(msg)
    return found


class Optimizer(Resumable):
    """Base class: a list of parameters, a learning rate, and a number of steps done.

    Args:
        params: A Module, a list of parameters, or of `(name, parameter)`; None to let `fit` give
            it the model.
        lr: Learning rate, at least 0, or a schedule: a function of the number of steps done.
        weight_decay: How strongly parameters are drawn to 0, at least 0.
        decay_biases: False leaves those parameters out that are called "b" or "bias".
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Raises:
        StructureError: There are no parameters, or one comes twice.
        OperandError: Something is of a wrong type, or an option does not exist.
        RangeError: A number is out of its bounds.

    Attributes:
        params: The list of parameters.
        steps: How many steps were done.
        epochs: How many epochs `fit` has done with it.
        lr: The rate of the next step; another rate or schedule may be assigned.

    A subclass defines `update`; what it keeps from step to step besides, it adds to `state_dict` and
    takes back in `load_state_dict`. Those here work on arrays as well, which compiled training makes use
    of: `index` is then `slice(None)`, and what is kept per parameter is an array.

    Example:
        >>> import autograd_core as ag, nn
        >>> class SignDescent(nn.Optimizer):
        ...     def update(self, index, p, g, lr):
        ...         return p - lr * ag.sign(g)
        >>> x = ag.Value(1.0)
        >>> (x * x).backward()
        >>> SignDescent([x], lr=0.25).step(); x.data
        0.75
    """

    _kept: ClassVar[tuple[str, ...]] = ("_decays",)  # attributes with one number per parameter
    _on_arrays: ClassVar[bool] = False  # whether the `update` of this very class takes arrays as well as floats
    _options: ClassVar[tuple[str, ...]] = ("weight_decay", "decay_biases")  # the options without the rate
    _waiting: dict[str, list[Any]] | None = None  # a state that was loaded before the parameters were known

    @says_how
    def __init__(
        self,
        params: Parameters | None = None,
        lr: float | Rate = 1e-3,
        *,
        weight_decay: float = 0.0,
        decay_biases: bool = True,
        **options: Never,
    ) -> None:
        if options:
            refuse_options(type(self).__name__, options, ON_OPTIMIZER, type(self))
        self._schedule = as_schedule(lr, f"{type(self).__name__}: lr")
        self.weight_decay: float = real(weight_decay, f"{type(self).__name__}: weight_decay", 0.0)
        self.decay_biases = decay_biases
        self.steps: int = 0
        self.epochs = 0
        self.params: list[Value] = []
        self._decays: list[float] = []
        if params is not None:
            self.bind(params)

    def bind(self, params: Parameters) -> None:
        """Give parameters to an optimizer that was made without any.

        Args:
            params: As for the constructor.

        Raises:
            StructureError: It has some already, or there are none, or one comes twice.
            OperandError: Something is no parameter.

        Example:
            >>> import nn
            >>> optimizer = nn.Adam(lr=0.1)
            >>> optimizer.bind(nn.Neuron(2))
            >>> len(optimizer.params)
            3
        """
        if self.params:
            msg = f"{type(self).__name__}: expected to be bound once, but it has {len(self.params)} parameters already"
            raise StructureError(msg)
        pairs = named(params, type(self).__name__, "; name the rate: lr=...")
        if self._waiting:
            self._fit_together(self._waiting, len(pairs))
        self.params = [p for _, p in pairs]
        self._decays = [self.weight_decay if self.decay_biases or not is_bias(name) else 0.0 for name, _ in pairs]
        self.prepare()
        if self._waiting:
            vars(self).update(self._waiting)
            self._waiting = None

    def prepare(self) -> None:
        """Initialise the state that is kept for each parameter; called when the parameters are known.

        Example:
            >>> import nn
            >>> nn.Optimizer().prepare()
        """

    @property
    def lr(self) -> float:
        """The learning rate of the next step.

        Raises:
            OperandError: The schedule gave no real number.
            RangeError: It gave a negative one.

        Example:
            >>> import nn
            >>> nn.SGD(nn.Neuron(1), lr=lambda step: 1.0 / (1 + step)).lr
            1.0
        """
        return real(self._schedule(self.steps), f"{type(self).__name__}: the rate at step {self.steps}", 0.0)

    @lr.setter
    def lr(self, lr: float | Rate) -> None:
        self._schedule = as_schedule(lr, f"{type(self).__name__}: lr")

    def zero_grad(self) -> None:
        """Set `.grad` of every parameter to 0.0.

        Example:
            >>> import nn
            >>> n = nn.Neuron(1)
            >>> n.b.grad = 3.0
            >>> nn.SGD(n).zero_grad(); n.b.grad
            0.0
        """
        for p in self.params:
            p.grad = 0.0

    def step(self) -> None:
        """Change every parameter by its `.grad`. If it raises, or Ctrl-C comes meanwhile, nothing has changed.

        Raises:
            StructureError: The optimizer has no parameters yet.
            OperandError: The schedule gave no real number.
            RangeError: It gave a negative one.

        Example:
            >>> import autograd_core as ag, nn
            >>> x = ag.Value(1.0)
            >>> (x * x).backward()
            >>> nn.SGD([x], lr=0.25).step(); x.data
            0.5
        """
        if not self.params:
            msg = f"{type(self).__name__}: expected parameters, has none; pass them, or call bind"
            raise StructureError(msg)
        lr = self.lr
        was, old = self._state(), [p.data for p in self.params]
        try:
            self.steps += 1
            new = [  # without a gradient, as PyTorch's zero_grad leaves it, a parameter stays as it is
                p.data if p.grad is None else self.update(i, p.data, p.grad, lr) for i, p in enumerate(self.params)
            ]
            for p, data in zip(self.params, new, strict=True):
                p.data = data
        except BaseException:
            vars(self).update(was)
            for p, data in zip(self.params, old, strict=True):
                p.data = data
            raise

    def _state(self) -> dict[str, Any]:
        """What a step changes beside the parameters; a step that fails puts it back."""
        state = vars(self)
        return {"steps": self.steps} | {name: copy(state[name]) for name in self._kept if name in state}

    def update(self, index: int, p: float, g: float, lr: float) -> float:  # noqa: ARG002  a subclass uses them
        """The new value of one parameter; a subclass defines it.

        Args:
            index: Which parameter.
            p: Its value.
            g: Its gradient.
            lr: The learning rate of this step.

        Returns:
            The new value.

        Raises:
            StructureError: The subclass does not define it.

        Example:
            >>> import nn
            >>> nn.SGD(nn.Neuron(1)).update(0, 1.0, 2.0, 0.25)
            0.5
        """
        msg = f"{type(self).__name__}: expected a method update, found none; define how a parameter changes"
        raise StructureError(msg)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, but for parameters and gradients.

        Returns:
            A dict of names, numbers and lists of them: steps and epochs done, the rate or schedule
            (None for a function of yours), the options, and what is kept per parameter. Changing it
            changes nothing here.

        Example:
            >>> import autograd_core as ag, nn
            >>> x = ag.Value(1.0)
            >>> x.grad = 2.0
            >>> sgd = nn.SGD([x], lr=0.25, momentum=0.5)
            >>> sgd.step()
            >>> sgd.state_dict()["steps"], sgd.state_dict()["kept"]["velocity"]
            (1, [2.0])
        """
        kept = self._waiting or {name: list(plain(getattr(self, name, []))) for name in self._kept}
        return {
            "optimizer": type(self).__name__,
            "steps": self.steps,
            "epochs": self.epochs,
            "lr": state_of(self._schedule),
            "options": {name: getattr(self, name) for name in self._options},
            "kept": {name.strip("_"): list(numbers) for name, numbers in kept.items()},
        }

    @says_how
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was called: steps, rate, options, and what is kept per parameter.

        Everything is checked before anything changes. An optimizer without parameters keeps it until
        it gets some, from `fit` for instance.

        Args:
            state: What `state_dict` gave, of an optimizer of this class with as many parameters in
                the same order. Where the rate was a function of yours, that of this one stays.

        Raises:
            OperandError: Something in it is of a wrong type.
            StructureError: It is that of another class, or of more or fewer parameters; or the rate
                was a function of yours, and this one has none.
            RangeError: A number is out of its bounds.

        Example:
            >>> import nn
            >>> model = nn.Neuron(2)
            >>> before, after = nn.Adam(model, lr=0.5), nn.Adam(model)
            >>> before.step()
            >>> after.load_state_dict(before.state_dict())
            >>> after.steps, after.lr
            (1, 0.5)
        """
        what = type(self).__name__
        about = ("optimizer", "steps", "epochs", "lr", "options", "kept")
        kind, steps, epochs, lr, options, kept = fields(state, about, what)
        if kind != what:
            msg = f"{what}: expected the state of {what}, got that of {brief(kind)}"
            raise StructureError(msg)
        given = dict(zip(self._options, fields(options, self._options, f"{what}: options"), strict=True))
        for name, x in given.items():
            if isinstance(x, bool) != isinstance(getattr(self, name), bool):
                msg = f"{what}: {name}: expected something like {getattr(self, name)!r}, got {shown(x)}"
                raise OperandError(msg)
        schedule = schedule_from(lr, self._schedule)
        base: Any = next(c for c in type(self).__mro__ if c.__module__.rpartition(".")[0] == __package__)
        checked = base(None, schedule, **given)  # its constructor knows the bounds
        names = [name.strip("_") for name in self._kept]
        lists = [numbers(x, f"{what}: {name}") for name, x in zip(names, fields(kept, (*names,), f"{what}: kept"))]
        found = dict(zip(self._kept, lists, strict=True))
        self._fit_together(found, len(self.params) if self.params else len(lists[0]))
        changes = {name: getattr(checked, name) for name in self._options}
        changes |= {"steps": whole(steps, f"{what}: steps", 0), "epochs": whole(epochs, f"{what}: epochs", 0)}
        changes |= found if self.params else {"_waiting": found if lists[0] else None}
        vars(self).update(changes, _schedule=schedule)

    def _fit_together(self, kept: dict[str, list[Any]], count: int) -> None:
        """Raise unless there is one number for each of `count` parameters."""
        for name, found in kept.items():
            if len(found) != count:
                what = f"{type(self).__name__}: {name.strip('_')}"
                msg = f"{what}: expected {count} numbers, one per parameter, got {len(found)}"
                raise StructureError(msg)

    def _has_one_rate(self) -> bool:
        """Whether the rate is the same at every step."""
        return isinstance(self._schedule, Schedule) and self._schedule.kind == "constant"

    def _works_on_arrays(self) -> bool:
        """Whether all parameters can be updated at once, as arrays."""
        mine = type(self)
        writer = next(cls for cls in mine.__mro__ if "update" in vars(cls))
        return mine.step is Optimizer.step and vars(writer).get("_on_arrays", False)

    def _corrections(self) -> tuple[float, ...]:
        """Numbers that `update` needs and that depend on the number of steps only, such as bias corrections."""
        return ()

    def _root(self, x: float) -> float:
        """The square root; when `update` is compiled, that of the traced numbers."""
        return x**0.5  # type: ignore[no-any-return]

    def _in_code(self, corrections: Any, root: Callable[[Any], Any], **kept: Any) -> Optimizer:
        """A copy with one parameter, whose `update` is to be traced: its state and corrections are Values."""
        one = copy(self)
        for name, x in kept.items():
            setattr(one, name, [x])
        vars(one).update(_corrections=lambda: corrections, _root=root)
        return one

    def _keep(self, form: Callable[[Any], Any]) -> None:
        """Convert the state that is kept per parameter: to arrays, or to lists again."""
        for name in self._kept:
            setattr(self, name, form(getattr(self, name)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, steps={self.steps})"


def is_bias(name: str) -> bool:
    """Whether that is the dotted name of a bias: "b", "layers.0.bias.2", "bias_ih_l0.1"."""
    return any(part in BIASES or part.startswith("bias_") for part in name.split("."))
