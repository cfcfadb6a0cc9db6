"""`@primitive`: users' own nodes, their derivatives, redefinition and protection."""

import math
import operator

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.ops import PRIMITIVES, USER_PRIMITIVES


def make_cube():
    @ag.primitive
    def cube(x):
        """The third power."""
        return x**3

    @cube.partials
    def _(x, z):
        return (3 * x**2,)

    return cube


def test_a_node_with_its_own_derivative():
    cube = make_cube()
    x = Value(2.0)
    y = cube(x)
    assert (y.data, y.op, y.local_grads) == (8.0, "cube", (12.0,))
    assert y.parents[0] is x
    y.backward()
    assert x.grad == 12.0


def test_on_plain_numbers_it_gives_numbers():
    cube = make_cube()
    assert cube(2.0) == 8.0
    assert cube(2).__class__ is int
    assert cube.__name__ == "cube"
    assert cube.__doc__ == "The third power."
    assert repr(cube) == repr(cube._primitive) == "<primitive cube>"


def test_derivatives_of_any_order_forward_and_reverse():
    cube = make_cube()
    assert ag.grad(ag.grad(cube))(2.0) == 12.0
    assert ag.grad(ag.grad(ag.grad(cube)))(2.0) == 6.0
    assert ag.jvp(ag.grad(cube), (2.0,), (1.0,)) == (12.0, 12.0)
    assert ag.hessian(lambda v: cube(v[0]) * v[1])([2.0, 3.0]) == [[36.0, 12.0], [12.0, 0.0]]


def test_the_derivative_is_the_users_not_that_of_the_value():
    @ag.primitive
    def straight_through(x):
        return ag.floor(x)

    @straight_through.partials
    def _(x, z):
        return (1,)

    assert ag.grad(lambda x: straight_through(x) * 2)(2.7) == 2.0


def test_several_operands_and_numbers_among_them():
    @ag.primitive
    def scaled_difference(x, y, s):
        return s * (x - y)

    @scaled_difference.partials
    def _(x, y, s, z):
        return (s, -s, x - y)

    x, y = Value(5.0), Value(2.0)
    z = scaled_difference(x, y, 10)
    assert (z.data, z.local_grads[:2]) == (30.0, (10.0, -10.0))
    z.backward()
    assert (x.grad, y.grad, z.parents[2].grad) == (10.0, -10.0, 0.0)


def test_any_number_of_operands():
    @ag.primitive
    def sum_of_squares(*xs):
        return sum(x * x for x in xs)

    @sum_of_squares.partials
    def _(*xs_and_z):
        return tuple(2 * x for x in xs_and_z[:-1])

    assert ag.grad(lambda v: sum_of_squares(*v))([1.0, 2.0, 3.0]) == [2.0, 4.0, 6.0]
    assert ag.hessian(lambda v: sum_of_squares(*v))([1.0, 2.0]) == [[2.0, 0.0], [0.0, 2.0]]


def test_values_and_partials_follow_ieee():
    @ag.primitive
    def inverse(x):
        return 1 / x

    @inverse.partials
    def _(x, z):
        return (-z / x,)

    y = inverse(Value(0.0))
    assert y.data == math.inf
    assert y.local_grads == (-math.inf,)


def test_defining_it_again_in_the_same_place_replaces_it():
    first = make_cube()
    old = first(Value(2.0))
    second = make_cube()
    assert USER_PRIMITIVES[__name__, "make_cube.<locals>.cube"] is second._primitive
    assert second(Value(2.0)).data == 8.0
    old.backward()
    assert old.parents[0].grad == 12.0


@pytest.mark.parametrize("name", ["sin", "add", "where", "dot", "path_product"])
def test_built_in_primitives_are_protected(name):
    before = PRIMITIVES[name]

    def impostor(x):
        return x

    impostor.__name__ = name
    with pytest.raises(ag.StructureError, match=f"primitive '{name}': a built-in primitive has this name"):
        ag.primitive(impostor)
    assert PRIMITIVES[name] is before


def test_without_partials():
    @ag.primitive
    def bare(x):
        return x

    assert bare(2.0) == 2.0
    with pytest.raises(ag.StructureError, match=r"'bare' has no partials yet(.|\n)*@bare.partials"):
        bare(Value(2.0))


@pytest.mark.parametrize("given", [None, (), (1, 2), 5.0, "ab"], ids=repr)
def test_partials_of_the_wrong_form(given):
    @ag.primitive
    def odd(x):
        return x

    @odd.partials
    def _(x, z):
        return given

    with pytest.raises(ag.StructureError, match="partials of 'odd': expected a tuple of 1, one per operand, got"):
        odd(Value(2.0))


@pytest.mark.parametrize("given", [None, "a", [1.0], 1j], ids=repr)
def test_values_and_partials_that_are_no_numbers(given):
    @ag.primitive
    def odd(x):
        return given

    @odd.partials
    def _(x, z):
        return (1.0,)

    with pytest.raises(ag.OperandError, match="odd: expected the function to return a real number, got"):
        odd(Value(2.0))

    @ag.primitive
    def strange(x):
        return x

    @strange.partials
    def _(x, z):
        return (given,)

    with pytest.raises(ag.OperandError, match="partials of strange: expected"):
        strange(Value(2.0))


def test_the_number_of_operands_is_checked():
    cube = make_cube()
    for operands in ((), (1.0, 2.0), (Value(1.0), 2.0)):
        with pytest.raises(ag.StructureError, match=r"cube: expected 1 operand\(s\), got"):
            cube(*operands)
    with pytest.raises(ag.OperandError, match="norm: expected a real number or a Value, got 'x'"):
        ag.norm([cube(Value(1.0)), "x"])


def test_a_function_without_arguments_is_no_primitive():
    with pytest.raises(ag.StructureError, match="expected a function of at least one number"):

        @ag.primitive
        def nothing():
            return 1.0


@pytest.mark.parametrize("given", [3, None, "sin", math.sin, [].append], ids=lambda g: type(g).__name__)
def test_what_is_no_python_function_is_refused(given):
    with pytest.raises(ag.OperandError, match="primitive: expected a function"):
        ag.primitive(given)


def test_partials_must_be_a_function():
    cube = make_cube()
    with pytest.raises(ag.OperandError, match="cube.partials: expected a function"):
        cube.partials((1,))
    assert ag.grad(cube)(2.0) == 12.0


def test_it_is_read_in_other_number_systems():
    """Written with operators it can be checked to 50 digits, as the built-in primitives are."""
    mpmath = pytest.importorskip("mpmath")
    cube = make_cube()
    third = mpmath.mpf(1) / 3
    assert cube(third) == third**3


OPERATORS = {
    **{f.__name__: f for f in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)},
    **{f.__name__: f for f in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)},
    **{f.__name__: lambda x, y, f=f: f(x) + 0 * y for f in (operator.neg, operator.pos, operator.abs)},
}
COMPARES = {"lt", "le", "gt", "ge", "eq", "ne"}


def by_operator(name):
    """A primitive whose rule is one of Python's operators, with operands and with a number on either side."""

    def rule(x, y):
        found = [f(*operands) for operands in ((x, y), (x, 2.0), (2.0, y))]
        return ag.sum([k * (ag.where(z, 1.0, 0.0) if name in COMPARES else z) for k, z in zip((1.0, 8.0, 64.0), found)])

    f = OPERATORS[name]
    rule.__name__ = rule.__qualname__ = f"by_{name}"
    made = ag.primitive(rule)
    made.partials(lambda x, y, z: (0.0, 0.0))
    return made


def test_rules_may_use_every_operator_however_they_are_run():
    """As Python has it: one by one, compiled, and in the text of an export."""
    np = pytest.importorskip("numpy")
    rules = {name: by_operator(name) for name in OPERATORS}
    f = ag.compile(lambda x, y: [rule(x, y) for rule in rules.values()], 1.5, 0.5)
    space = {}
    exec(f.to_numpy(), space)
    for x, y in ((1.5, 0.5), (0.5, 1.5), (2.0, 2.0), (-0.5, 3.0), (2.0, -3.0), (3.0, 2.0)):
        wanted = [
            sum(k * OPERATORS[name](*operands) for k, operands in zip((1.0, 8.0, 64.0), ((x, y), (x, 2.0), (2.0, y))))
            for name in rules
        ]
        if isinstance(wanted[list(rules).index("pow")], complex):
            wanted[list(rules).index("pow")] = math.nan
        for found in ([rule(x, y) for rule in rules.values()], f(x, y), space["f"](np.array([x, y]))):
            assert list(map(float, found)) == pytest.approx(wanted, rel=1e-15, nan_ok=True)
