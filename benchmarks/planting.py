"""A primitive of the library with other partials for a while, to see whether the fault is found."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from unittest import mock

from autograd_core import Value
from autograd_core._src.engine import recording


@contextmanager
def planted(primitive, partials):
    """Give a primitive other partials, in every way that a node of it is made.

    Yields:
        The primitive as a function of numbers and Values.
    """

    def node(*operands):
        return recording.record(primitive, *operands)

    def reflected(x, y):
        return node(y, x)

    # Functions that build nodes are compiled when they are first called. One that is first called in here would keep
    # these partials for good: so those that are there are called before, and others are thrown away afterwards.
    stand_ins = {}
    for name, builder in vars(Value).items():
        if builder is recording.BUILDERS.get(primitive):
            stand_ins[name] = node
    if primitive.name in recording.OPERATORS:
        stand_ins[f"__r{recording.OPERATORS[primitive.name]}__"] = reflected
    for builder in {recording.BUILDERS.get(primitive), *(vars(Value)[name] for name in stand_ins)} - {None}:
        builder(*[Value(0.5)] * primitive.arity)
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(primitive, "partials", partials))
        for name, function in stand_ins.items():
            patches.enter_context(mock.patch.object(Value, name, function))
        for table, key in ((recording.FUSED, primitive.name), (recording.BUILDERS, primitive)):
            patches.enter_context(mock.patch.dict(table, {key: node} if key in table else {}))
        patches.enter_context(mock.patch.dict(recording.BARE))
        recording.BARE.pop(primitive, None)
        if primitive.name in recording.STRAIGHT:
            patches.enter_context(mock.patch.dict(recording.STRAIGHT, {primitive.name: {}}))
        yield node
