"""`Module`: the base class of everything with parameters."""

from __future__ import annotations

import difflib
import functools
import inspect
import random
import re
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, ClassVar

from autograd_core import OperandError, StructureError, Value
from autograd_core._src.any_object import shown
from autograd_core._src.engine.elsewhere import FREEZE, Elsewhere, NotOnModules, names_of
from autograd_core._src.wrong_calls import says_how

from ..data.learnt import Learnt
from ..support import files
from ..support.validation import plain
from .layer_scopes import name_by_attribute, scopes_within
from .parameters import assigned, held, holds_parameters

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
REPEATED = re.compile(r"\b(\w++\([^()]*+\))(?:, \1)+")  # units alike, which a message counts; linear in any text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping


class Module(NotOnModules):
    """Base class of everything that has parameters, with PyTorch's conventions.

    Attributes that are leaf `Value`s are its parameters, attributes that are Modules its
    submodules; both are also found in lists, tuples and dicts, nested as you like. A `Value` that
    was computed from others (a kept output, say) is no parameter. A subclass defines `__call__`,
    or `forward` as in PyTorch; it needs to call no `super().__init__()`.

    Attributes:
        training: True until `eval()`; `Dropout` asks for it.

    Example:
        >>> import autograd_core as ag
        >>> from nn import Module
        >>> class Line(Module):
        ...     def __init__(self):
        ...         self.slope, self.offset = ag.Value(2.0), ag.Value(1.0)
        ...     def forward(self, x):
        ...         return self.slope * x + self.offset
        >>> line = Line()
        >>> line(3.0).data, line.state_dict()
        (7.0, {'slope': 2.0, 'offset': 1.0})
    """

    training: bool = True
    _closed: ClassVar[bool] = False

    def __init_subclass__(cls, *, closed: bool = False, **options: Any) -> None:
        """With `closed=True`, instances of this very class accept only declared attributes."""
        super().__init_subclass__(**options)
        cls._closed = closed

    def __setattr__(self, name: str, value: Any) -> None:
        cls: Any = type(self)
        if cls._closed and name not in _declared(cls):
            raise _unknown(cls, name)
        if name in _of_layer(cls):
            new = holds_parameters(value)
            if value is not None and (cls._closed or not new) and holds_parameters(was := vars(self).get(name)):
                value, new = assigned(was, value, f"{cls.__name__}.{name}"), True
            if new:
                value = held(value)
        object.__setattr__(self, name, value)
        if not cls._closed and isinstance(value, Module):
            name_by_attribute(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What `forward` computes."""
        try:
            return self.forward(*args, **kwargs)
        except RecursionError:
            refuse_cycle(self)
            raise

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes; a subclass defines it.

        Args:
            *args: What the subclass takes.
            **kwargs: Likewise.

        Raises:
            StructureError: The subclass defines neither `forward` nor `__call__`.

        Example:
            >>> from nn import Module
            >>> class Twice(Module):
            ...     def forward(self, x):
            ...         return 2 * x
            >>> Twice()(4.0)
            8.0
        """
        if type(self).__call__ is not Module.__call__:  # a subclass that defines `__call__` has both
            return self(*args, **kwargs)
        msg = f"{type(self).__name__}: expected a method forward or __call__, found none; define what it computes"
        raise StructureError(msg)

    # --- what it consists of ---

    def _scopes(self) -> tuple[str, ...]:
        return scopes_within(self)  # what `Explanation.without` finds its nodes by

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """The module itself as "" and all below it with their dotted names, each once.

        Returns:
            An iterator of `(name, module)`, in the order of the attributes.

        Example:
            >>> from nn import MLP
            >>> [name for name, _ in MLP(1, [1], seed=0).named_modules()]
            ['', 'layers.0', 'layers.0.neurons.0']
        """
        yield from ((_dotted(place), x) for place, x in _parts(self) if isinstance(x, Module))

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """The parameters with their dotted names; one that is shared comes once.

        Returns:
            An iterator of `(name, parameter)`, in the order of the attributes.

        Example:
            >>> from nn import Neuron
            >>> [name for name, _ in Neuron(2, seed=0).named_parameters()]
            ['w.0', 'w.1', 'b']
        """
        yield from ((_dotted(place), x) for place, x in _parts(self) if isinstance(x, Value))

    def parameters(self) -> list[Value]:
        """The parameters, in the order of the attributes; one that is shared comes once.

        Returns:
            A list of leaves.

        Example:
            >>> from nn import MLP
            >>> len(MLP(2, [16, 16, 1]).parameters())
            337
        """
        return [x for _, x in _parts(self) if isinstance(x, Value)]

    def zero_grad(self) -> None:
        """Set `.grad` of every parameter to 0.0.

        Example:
            >>> from nn import Neuron
            >>> n = Neuron(1, seed=0)
            >>> n([1.0]).backward(); n.zero_grad(); n.b.grad
            0.0
        """
        for p in self.parameters():
            p.grad = 0.0

    def train(self, mode: bool = True) -> Module:  # noqa: FBT001, FBT002  as PyTorch has it
        """Set `training` here and in all modules below, which turns `Dropout` on.

        Args:
            mode: False for what `eval()` does.

        Returns:
            This module.

        Example:
            >>> from nn import Dropout
            >>> Dropout(0.5).train().training
            True
        """
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Set `training` to False here and in all modules below, which turns `Dropout` off.

        Returns:
            This module.

        Example:
            >>> from nn import Dropout
            >>> Dropout(0.5).eval()([1.0, 2.0])
            [1.0, 2.0]
        """
        return self.train(mode=False)

    # --- its state ---

    def state_dict(self) -> dict[str, float]:
        """The numbers of all parameters by their dotted names.

        Returns:
            A dict of plain numbers; changing it changes nothing here.

        Raises:
            StructureError: Two parameters have the same name, as keys with dots can bring about.

        Example:
            >>> from nn import Neuron
            >>> sorted(Neuron(1, seed=0).state_dict())
            ['b', 'w.0']
        """
        return {name: p.data for name, p in self._by_name().items()}

    def _by_name(self) -> dict[str, Value]:
        pairs = list(self.named_parameters())
        by_name = dict(pairs)
        if len(by_name) < len(pairs):
            twice = files.first_twice(name for name, _ in pairs)
            msg = f"{type(self).__name__}: expected different names, got {twice!r} twice; no dots in the keys of dicts"
            raise StructureError(msg)
        return by_name

    @says_how
    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set all parameters to the numbers of a `state_dict()`.

        Everything is checked before anything changes.

        Args:
            state: A number for the name of every parameter, and no others.

        Raises:
            StructureError: Names are missing, or unexpected; or one name has a table of weights, as in PyTorch.
            OperandError: Something in it is no real number, or it is no mapping.

        Example:
            >>> from nn import Neuron
            >>> n = Neuron(1)
            >>> n.load_state_dict({"w.0": 2.0, "b": -1.0})
            >>> n([3.0]).data
            5.0
        """
        if not hasattr(state, "keys"):
            msg = f"load_state_dict: expected a dict of names and numbers, got {shown(state)}"
            raise OperandError(msg)
        parameters = self._by_name()
        _refuse_tables(parameters, state)
        _same_names(list(parameters), list(state.keys()))
        numbers = {}
        for name in parameters:
            try:
                numbers[name] = Value(state[name]).data
            except OperandError:
                msg = f"load_state_dict: {name}: expected a real number, got {shown(state[name])}"
                raise OperandError(msg) from None
        for name, p in parameters.items():
            p.data = numbers[name]

    @says_how
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to a file: JSON, readable anywhere, with every double exact and a checksum.

        The state of the modules' random generators is written too, so that training with `Dropout`
        goes on as if it had not stopped, and what scalers among the layers learnt. A file that stands
        there is replaced only when the new one is complete.

        Args:
            path: Where to write.

        Raises:
            OSError: The place cannot be written.
            RangeError: A parameter is a fraction of thousands of digits.

        Example:
            >>> import pathlib, tempfile
            >>> from nn import Neuron
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "neuron.json"
            >>> a, b = Neuron(2, seed=0), Neuron(2, seed=1)
            >>> a.save(path)
            >>> b.load(path).state_dict() == a.state_dict()
            True
        """
        numbers = {name: files.encoded(x) for name, x in self.state_dict().items()}
        content: dict[str, Any] = {"model": repr(self), "parameters": numbers}
        generators = {name: files.encoded_generator(rng) for name, rng in self._generators()}
        if generators:
            content["generators"] = generators
        if learnt := {name: scaler._content() for name, scaler in self._scalers() if scaler._is_fitted}:
            content["preprocessing"] = learnt
        files.write(path, files.PARAMETERS, content)

    @says_how
    def load(self, path: str | os.PathLike[str], *, same_model: bool = True) -> Module:
        """Set the parameters to those of a file that `save` wrote. No code in it is ever run.

        Everything is checked before anything changes.

        Args:
            path: The file.
            same_model: Whether the file has to be that of a model which prints as this one does, activations included;
                False for any with the same names of parameters.

        Returns:
            This module.

        Raises:
            OSError: The file cannot be read.
            StructureError: It is no model file, was changed since it was written, or is that of a
                different model: other layers, sizes or activations.
            RangeError: It was written in a later version of the format.

        Example:
            >>> import pathlib, tempfile
            >>> from nn import Neuron
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "notes.txt"
            >>> _ = path.write_text("no model")
            >>> Neuron(2).load(path)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            autograd_core.errors.StructureError: ...notes.txt is no model file: expected JSON ...
        """
        content = files.read(path, files.PARAMETERS)
        parameters, generators = content.get("parameters"), content.get("generators", {})
        if not isinstance(parameters, dict) or not isinstance(generators, dict):
            reason = '"parameters" is no object of names and numbers'
            raise files.unfit(path, files.PARAMETERS, reason)
        try:
            state = {name: files.decoded(x) for name, x in parameters.items()}
            states = {name: files.decoded_generator(x) for name, x in generators.items()}
        except (ValueError, OverflowError) as error:
            raise files.unfit(path, files.PARAMETERS, f"a parameter is no number: {error}") from None
        learnt = content.get("preprocessing", {})
        if not isinstance(learnt, dict):
            raise files.unfit(path, files.PARAMETERS, '"preprocessing" is no object of names')
        restored = []
        for name, scaler in self._scalers():
            if name in learnt:
                restored.append((scaler, scaler._of(learnt[name], path, files.PARAMETERS)))
            elif not scaler._is_fitted:
                kind = type(scaler).__name__
                msg = f"{path}: there is nothing that {name}, a {kind}, learnt; fit it before, or load its own file"
                raise StructureError(msg)
        with files.named(path):
            if same_model:
                _same_model(content.get("model"), repr(self))
            self.load_state_dict(state)
        for scaler, found in restored:
            vars(scaler).update(found)
        for name, rng in self._generators():
            if name in states:
                rng.setstate(states[name])
        return self

    def _scalers(self) -> Iterator[tuple[str, Learnt]]:
        """The scalers and encoders that are layers of a `Sequential`, or attributes, each once."""
        seen = set()
        for place, module in _parts(self):
            if isinstance(module, Module):
                for name, x in vars(module).items():
                    for key, y in enumerate(x) if isinstance(x, (list, tuple)) else [(None, x)]:
                        if isinstance(y, Learnt) and id(y) not in seen:
                            seen.add(id(y))
                            yield _dotted((place, name) if key is None else ((place, name), key)), y

    def _generators(self) -> Iterator[tuple[str, random.Random]]:
        """The modules' own random generators, as `Dropout` has one, each once."""
        seen = set()
        for place, module in _parts(self):
            if isinstance(module, Module):
                for name, x in vars(module).items():
                    if type(x) is random.Random and id(x) not in seen:  # others may have no state
                        seen.add(id(x))
                        yield _dotted((place, name)), x

    def __dir__(self) -> list[str]:
        return names_of(self)

    @recursive_repr()
    def __repr__(self) -> str:
        parts = ((name, _summary(x)) for name, x in vars(self).items())
        return f"{type(self).__name__}({', '.join(f'{name}={text}' for name, text in parts if text)})"


@functools.cache
def _declared(cls: type) -> frozenset[str]:
    """The names that a class has, or declares for its instances."""
    names: set[str] = set()
    for base in cls.__mro__:
        names |= {name for name, x in vars(base).items() if not isinstance(x, Elsewhere)}
        names |= set(inspect.get_annotations(base))
    return frozenset(names)


@functools.cache
def _of_layer(cls: type) -> frozenset[str]:
    """The names that the closed class declares which it is, or is derived from; none for a class of one's own."""
    return next((_declared(base) for base in cls.__mro__ if vars(base).get("_closed")), frozenset())


def _unknown(cls: type, name: str) -> AttributeError:
    public = sorted(
        n for n in _declared(cls) if not n.startswith("_") and not callable(getattr(cls, n, None)) and n != name
    )
    close = difflib.get_close_matches(name, public, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    hint = f"{FREEZE}. " if name in ("requires_grad", "trainable", "frozen") else hint
    msg = (
        f"{cls.__name__!r} object has no attribute {name!r}, so setting it would change nothing: {hint}It has "
        f"{', '.join(public)}; a subclass of yours takes any"
    )
    return AttributeError(msg, name=name)


def refuse_cycle(module: Module) -> None:
    """Raise an error that names the cycle, if a module contains itself.

    Raises:
        StructureError: It contains itself.
    """
    for place, part in _parts(dict(vars(module))):
        if part is module:
            msg = (
                f"{type(module).__name__} contains itself, as {_dotted(place)!r}, and calls itself without end; a "
                "graph has no cycles. Use the same layer several times in a list, or an RNN over steps"
            )
            raise StructureError(msg)


def _summary(x: Any) -> str:
    """A module as it shows itself; other attributes by the modules or the number of parameters in them."""
    if isinstance(x, Module):
        return repr(x)
    parts = [part for _, part in _parts(x)]
    modules = [part for part in parts if isinstance(part, Module)]
    if modules:
        return f"{len(modules)} modules"
    return f"{len(parts)} parameter{'s' if len(parts) != 1 else ''}" if parts else ""


Place = tuple[Any, Any] | None  # (the place of what it is in, its name or index there)


def _parts(tree: Any) -> list[tuple[Place, Value | Module]]:
    """Every module and leaf Value in a tree of attributes with its place, depth first, each once.

    Names are made from places only when asked for: `parameters()` is called at every step.
    """
    found: list[tuple[Place, Value | Module]] = []
    _collect(tree, None, found, set())
    return found


def _collect(x: Any, place: Place, found: list[tuple[Place, Value | Module]], seen: set[int]) -> None:
    if isinstance(x, Value):
        if not x.op and id(x) not in seen:
            seen.add(id(x))  # by id: == of Values makes a node, and a user's module may define its own
            found.append((place, x))
        return
    if isinstance(x, Module):
        if id(x) in seen:
            return
        seen.add(id(x))
        found.append((place, x))
        items: Iterable[tuple[Any, Any]] = vars(x).items()
    elif isinstance(x, (dict, list, tuple)):
        if id(x) in seen:  # one list in two places, or in itself
            return
        seen.add(id(x))
        items = x.items() if isinstance(x, dict) else enumerate(x)
    else:
        return
    for key, y in items:
        _collect(y, (place, key), found, seen)


def _dotted(place: Place) -> str:
    names = []
    while place is not None:
        place, name = place
        names.append(str(name))
    return ".".join(reversed(names))


def _refuse_tables(parameters: Mapping[str, Value], state: Mapping[str, Any]) -> None:
    """Raise if a name of another library stands for all the weights of a layer."""
    for name, x in state.items():
        if name not in parameters and isinstance(plain(x), list):
            shape = f" of shape {tuple(x.shape)}" if hasattr(x, "shape") else ""
            layer = str(name).rpartition(".")[0]
            msg = (
                f"load_state_dict: expected a number for each parameter, such as {next(iter(parameters), 'w.0')}, got "
                f"{name!r} with a table{shape}; of weights from PyTorch make the layer, "
                f"nn.Linear(weights=state[{f'{layer}.weight'.lstrip('.')!r}], "
                f"bias=state[{f'{layer}.bias'.lstrip('.')!r}]), or set layer.weight and layer.bias"
            )
            raise StructureError(msg)


def _same_names(expected: list[str], got: list[str]) -> None:
    known, given = set(expected), set(got)
    missing = [name for name in expected if name not in given]
    unexpected = [name for name in got if name not in known]
    if missing or unexpected:
        msg = (
            f"load_state_dict: expected {len(expected)} parameters, got {len(got)}; "
            f"missing: {_some(missing)}; unexpected: {_some(unexpected)}. Build the model with the same sizes first."
        )
        raise StructureError(msg)


def _counted(units: re.Match[str]) -> str:
    return f"{units[0].count(units[1])} × {units[1]}"


def _same_model(saved: Any, own: str) -> None:
    """Raise if a file names another model. Where objects lie in memory makes no difference."""
    if not isinstance(saved, str) or not saved or ADDRESS.sub("", saved) == ADDRESS.sub("", own):
        return
    saved, own = (REPEATED.sub(_counted, text) for text in (saved, own))
    start = next((i for i, (a, b) in enumerate(zip(saved, own)) if a != b), min(len(saved), len(own)))
    start = max(0, start - 60)
    dots = "..." if start else ""
    msg = (
        f"load: expected parameters of {dots}{own[start:]:.120}, got those of {dots}{saved[start:]:.120}; build that "
        "model, or pass same_model=False to take its numbers by their names"
    )
    raise StructureError(msg)


def _some(names: list[str]) -> str:
    return (", ".join(f"{name!s:.60}" for name in names[:3]) + (", ..." if len(names) > 3 else "")) or "none"


def check_module(model: Any, caller: str) -> None:
    """Refuse what is no module: a function, a class that was not called, or anything else.

    Raises:
        OperandError: It is none.
    """
    if isinstance(model, Module):
        return
    hint = ""
    if isinstance(model, type):
        hint = f"; make one of the class: {model.__name__}(...)" if issubclass(model, Module) else ""
    elif callable(model):
        hint = "; nn.Sequential(f) makes one of a function f, and ag.jacobian(f) has its derivatives"
    msg = f"{caller}: expected a Module, got {shown(model)}{hint}"
    raise OperandError(msg)
