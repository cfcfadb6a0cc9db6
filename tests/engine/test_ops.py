"""What the entries say about numbers that go wrong, about kinks, and about themselves."""

import math
import pickle
import re
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES, USER_PRIMITIVES, Primitive, find_primitive
from autograd_core._src.number_systems.floats import FLOATS
from autograd_core.errors import UnknownPrimitiveError

INF, NAN, MAX, TINY = math.inf, math.nan, 1.7976931348623157e308, 5e-324
PI = math.pi
SOME = object()  # any number but NaN


def same(found, expected):
    if expected is SOME:
        return not math.isnan(found)
    if math.isnan(expected):
        return math.isnan(found)
    return found == expected and (expected != 0 or math.copysign(1, found) == math.copysign(1, expected))


# primitive, operands, value, partials (None where either zero or nothing is promised)
IEEE = [
    ("log", (0.0,), -INF, (INF,)),
    ("log", (-1.0,), NAN, None),
    ("log2", (0.0,), -INF, (INF,)),
    ("log10", (0.0,), -INF, (INF,)),
    ("log2", (-1.0,), NAN, None),
    ("log10", (-1.0,), NAN, None),
    ("log", (INF,), INF, (0.0,)),
    ("log1p", (-1.0,), -INF, (INF,)),
    ("log1p", (-2.0,), NAN, None),
    ("sqrt", (-1.0,), NAN, (NAN,)),
    ("sqrt", (0.0,), 0.0, (INF,)),
    ("sqrt", (INF,), INF, (0.0,)),
    ("cbrt", (-8.0,), -2.0, (1 / 12,)),
    ("cbrt", (-INF,), -INF, (0.0,)),
    ("cbrt", (-0.0,), -0.0, (INF,)),
    ("exp", (1000.0,), INF, (INF,)),
    ("exp", (-INF,), 0.0, (0.0,)),
    ("exp", (NAN,), NAN, (NAN,)),
    ("exp2", (1024.0,), INF, (INF,)),
    ("expm1", (-INF,), -1.0, (0.0,)),
    ("expm1", (1000.0,), INF, (INF,)),
    ("sinh", (1000.0,), INF, (INF,)),
    ("sinh", (-1000.0,), -INF, (INF,)),
    ("cosh", (-1000.0,), INF, (-INF,)),
    ("sin", (INF,), NAN, (NAN,)),
    ("cos", (-INF,), NAN, (NAN,)),
    ("tan", (INF,), NAN, (NAN,)),
    ("asin", (1.0,), PI / 2, (INF,)),
    ("asin", (2.0,), NAN, (NAN,)),
    ("acos", (-1.0,), PI, (-INF,)),
    ("acos", (2.0,), NAN, (NAN,)),
    ("atan", (INF,), PI / 2, (0.0,)),
    ("acosh", (1.0,), 0.0, (INF,)),
    ("acosh", (0.5,), NAN, (NAN,)),
    ("atanh", (1.0,), INF, (INF,)),
    ("atanh", (-1.0,), -INF, (INF,)),
    ("atanh", (2.0,), NAN, None),
    ("asinh", (-INF,), -INF, (0.0,)),
    ("tanh", (INF,), 1.0, (0.0,)),
    ("tanh", (-1e308,), -1.0, (0.0,)),
    ("tanh", (NAN,), NAN, (NAN,)),
    ("add", (INF, -INF), NAN, (1.0, 1.0)),
    ("mul", (INF, 0.0), NAN, (0.0, INF)),
    ("div", (1.0, 0.0), INF, (INF, -INF)),
    ("div", (-1.0, 0.0), -INF, (INF, INF)),
    ("div", (1.0, -0.0), -INF, (-INF, SOME)),
    ("div", (0.0, 0.0), NAN, (INF, NAN)),
    ("div", (1.0, INF), 0.0, (0.0, SOME)),
    ("pow", (0.0, -1.0), INF, (-INF, -INF)),
    ("pow", (-0.0, -1.0), -INF, None),
    ("pow", (0.0, -2.0), INF, (-INF, -INF)),
    ("pow", (-8.0, 1 / 3), NAN, None),
    ("pow", (-2.0, 3.0), -8.0, (12.0, NAN)),
    ("pow", (-2.0, 1025.0), -INF, None),
    ("pow", (2.0, 1025.0), INF, (INF, INF)),
    ("pow", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("pow", (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("pow", (0.0, 0.5), 0.0, (INF, 0.0)),
    ("pow", (0.0, 0.3), 0.0, (INF, 0.0)),
    ("pow", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("pow", (5.0, 0.0), 1.0, (0.0, math.log(5))),
    ("pow", (TINY, 0.0), 1.0, (0.0, math.log(TINY))),
    ("pow", (NAN, 0.0), 1.0, (0.0, NAN)),
    ("pow", (INF, -1.0), 0.0, None),
    ("pow", (INF, 0.5), INF, (0.0, INF)),
    ("pow", (2.0, -INF), 0.0, None),
    ("pow", (2.0, INF), INF, None),
    ("pow", (0.5, INF), 0.0, None),
    ("pow", (1.0, INF), 1.0, None),
    ("pow", (1.0, NAN), 1.0, None),
    ("hypot", (INF, NAN), INF, None),
    ("hypot", (3.0, -INF), INF, None),
    ("hypot", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot", (MAX, MAX), INF, (SOME, SOME)),
    ("norm", (0.0, 0.0, 0.0), 0.0, (0.0, 0.0, 0.0)),
    ("norm", (INF, NAN), INF, None),
    ("atan2", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("atan2", (-0.0, 0.0), -0.0, None),
    ("atan2", (0.0, -0.0), PI, None),
    ("atan2", (-0.0, -0.0), -PI, None),
    ("atan2", (0.0, -1.0), PI, None),
    ("atan2", (-0.0, -1.0), -PI, None),
    ("atan2", (INF, INF), PI / 4, None),
    ("atan2", (1.0, -INF), PI, None),
    ("logsumexp", (INF, 1.0), INF, (1.0, 0.0)),
    ("logsumexp", (-INF, 1.0), 1.0, (0.0, 1.0)),
    ("logsumexp", (-INF, -INF), -INF, (0.5, 0.5)),
    ("logsumexp", (INF, -INF, INF), INF, (0.5, 0.0, 0.5)),
    ("logsumexp", (NAN, 1.0), NAN, (NAN, NAN)),
    ("logsumexp", (1000.0, 1000.0), 1000 + math.log(2), (0.5, 0.5)),
    ("softplus", (INF,), INF, (1.0,)),
    ("softplus", (-INF,), 0.0, (0.0,)),
    ("softplus", (1e308,), 1e308, (1.0,)),
    ("softplus", (NAN,), NAN, (NAN,)),
    ("sigmoid", (INF,), 1.0, (0.0,)),
    ("sigmoid", (-INF,), 0.0, (0.0,)),
    ("sigmoid", (-1e308,), 0.0, (0.0,)),
    ("gelu", (INF,), INF, (1.0,)),
    ("gelu", (-INF,), 0.0, (0.0,)),
    ("gelu", (-1e308,), SOME, (SOME,)),
    ("gelu", (NAN,), NAN, None),
    ("silu", (INF,), INF, (1.0,)),
    ("silu", (-INF,), 0.0, (0.0,)),
    ("silu", (1e308,), 1e308, (1.0,)),
    ("silu", (NAN,), NAN, None),
    ("gaussian", (INF,), 0.0, (0.0,)),
    ("gaussian", (-1e308,), 0.0, (SOME,)),
    ("normal_pdf", (-INF,), 0.0, (0.0,)),
    ("normal_cdf", (INF,), 1.0, (0.0,)),
    ("normal_cdf", (-INF,), 0.0, (0.0,)),
    ("erf", (INF,), 1.0, (0.0,)),
    ("erfc", (-INF,), 2.0, (SOME,)),
    ("erfc", (NAN,), NAN, (NAN,)),
    ("relu", (NAN,), NAN, None),
    ("relu", (INF,), INF, (1.0,)),
    ("leaky_relu", (NAN, 0.1), NAN, None),
    ("elu", (-INF, 1.0), -1.0, (0.0, -1.0)),
    ("elu", (1e308, 1.0), 1e308, (1.0, 0.0)),
    ("elu", (NAN, 1.0), NAN, None),
    ("maximum", (NAN, 1.0), NAN, None),
    ("maximum", (1.0, NAN), NAN, None),
    ("minimum", (NAN, 1.0), NAN, None),
    ("minimum", (1.0, NAN), NAN, None),
    ("max", (1.0, NAN, 2.0), NAN, (0.0, 1.0, 0.0)),
    ("min", (NAN, 2.0), NAN, (1.0, 0.0)),
    ("max", (-INF, INF), INF, (0.0, 1.0)),
    ("clip", (NAN, 0.0, 1.0), NAN, None),
    ("clip", (0.0, NAN, 0.0), NAN, None),
    ("clip", (0.0, 0.0, NAN), NAN, None),
    ("clip", (-1.0, 0.0, NAN), NAN, None),
    ("clip", (2.0, NAN, 1.0), NAN, None),
    ("clip", (INF, 0.0, 1.0), 1.0, (0.0, 0.0, 1.0)),
    ("clip", (5.0, -INF, INF), 5.0, (1.0, 0.0, 0.0)),
    ("sign", (NAN,), NAN, (NAN,)),
    ("sign", (-INF,), -1.0, (0.0,)),
    ("abs", (-INF,), INF, (-1.0,)),
    ("floor", (INF,), INF, (0.0,)),
    ("floor", (-0.5,), -1.0, (0.0,)),
    ("floor", (-0.0,), -0.0, (0.0,)),
    ("ceil", (-0.5,), -0.0, (0.0,)),
    ("ceil", (NAN,), NAN, (NAN,)),
    ("eq", (NAN, NAN), 0.0, (0.0, 0.0)),
    ("ne", (NAN, NAN), 1.0, (0.0, 0.0)),
    ("lt", (NAN, 1.0), 0.0, (0.0, 0.0)),
    ("where", (0.0, NAN, 2.0), 2.0, (0.0, 0.0, 1.0)),
    ("where", (NAN, 3.0, 2.0), 3.0, (0.0, 1.0, 0.0)),
    ("path_product", (INF, 0.0), 0.0, None),
    ("path_product", (0.0, NAN), 0.0, None),
    ("path_product", (2.0, NAN), NAN, None),
    ("degrees", (INF,), INF, None),
    ("radians", (180.0,), PI, (PI / 180,)),
    ("square", (-INF,), INF, (-INF,)),
    ("copysign", (3.0, -0.0), -3.0, (-1.0, 0.0)),
    ("copysign", (-INF, 1.0), INF, (-1.0, 0.0)),
    ("copysign", (0.0, -1.0), -0.0, (SOME, 0.0)),
    ("logaddexp", (INF, 1.0), INF, (1.0, 0.0)),
    ("logaddexp", (INF, INF), INF, (0.5, 0.5)),
    ("logaddexp", (-INF, -INF), -INF, (0.5, 0.5)),
    ("logaddexp", (1000.0, 1000.0), 1000 + math.log(2), (0.5, 0.5)),
    ("logaddexp", (NAN, 1.0), NAN, (NAN, NAN)),
    ("lgamma", (0.0,), INF, (-INF,)),
    ("lgamma", (-0.0,), INF, (INF,)),
    ("lgamma", (-2.0,), INF, (NAN,)),
    ("lgamma", (1.0,), 0.0, None),
    ("lgamma", (2.0,), 0.0, None),
    ("lgamma", (INF,), INF, (INF,)),
    ("lgamma", (-INF,), INF, (NAN,)),
    ("lgamma", (-1e300,), INF, (NAN,)),
    ("lgamma", (1e308,), INF, None),
    ("digamma", (0.0,), -INF, (INF,)),
    ("digamma", (-3.0,), NAN, (INF,)),
    ("digamma", (INF,), INF, (0.0,)),
    ("digamma", (-INF,), NAN, (NAN,)),
    ("digamma", (NAN,), NAN, (NAN,)),
    ("zeta", (2.0, 0.0), INF, None),
    ("zeta", (2.0, INF), 0.0, None),
    ("prod", (2.0, 0.0, 3.0), 0.0, (0.0, 6.0, 0.0)),
    ("prod", (0.0, 0.0), 0.0, (0.0, 0.0)),
]


@pytest.mark.parametrize(("name", "xs", "value", "partials"), IEEE)
def test_numbers_that_go_wrong(name, xs, value, partials):
    z, local = evaluate(PRIMITIVES[name], xs)
    assert same(z, value)
    assert len(local) == len(xs)
    if partials is not None:
        assert all(map(same, local, partials)), local


KINKS = [
    ("abs", (0.0,), (0.0,)),
    ("abs", (-0.0,), (0.0,)),
    ("sign", (0.0,), (0.0,)),
    ("floor", (2.0,), (0.0,)),
    ("ceil", (-3.0,), (0.0,)),
    ("relu", (0.0,), (0.0,)),
    ("leaky_relu", (0.0, 0.25), (0.25, 0.0)),
    ("elu", (0.0, 0.5), (0.5, 0.0)),
    ("maximum", (2.0, 2.0), (1.0, 0.0)),
    ("minimum", (2.0, 2.0), (1.0, 0.0)),
    ("max", (1.0, 2.0, 2.0), (0.0, 1.0, 0.0)),
    ("min", (2.0, 1.0, 1.0), (0.0, 1.0, 0.0)),
    ("clip", (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ("clip", (1.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ("clip", (-1.0, 0.5, 0.5), (0.0, 1.0, 0.0)),
    ("clip", (0.5, 0.5, 0.5), (0.0, 1.0, 0.0)),
    ("where", (0.0, 3.0, 4.0), (0.0, 0.0, 1.0)),
    ("copysign", (0.0, -2.0), (0.0, 0.0)),
    ("copysign", (3.0, 0.0), (1.0, 0.0)),
    ("lgamma", (0.0,), (-INF,)),
    ("digamma", (0.0,), (INF,)),
    ("digamma", (-1.0,), (INF,)),
    ("hypot", (0.0, 0.0), (0.0, 0.0)),
    ("norm", (0.0, 0.0), (0.0, 0.0)),
    ("cosine", (0.0, 0.0), (0.0, 0.0)),
    ("leading", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ("angle_slope", (0.0, 0.0), (0.0, 0.0)),
    ("atan2", (0.0, 0.0), (0.0, 0.0)),
    ("atan2", (0.0, -2.0), (-0.5, 0.0)),
    ("pow", (0.0, 0.0), (0.0, 0.0)),
    ("pow", (0.0, 2.0), (0.0, 0.0)),
    ("pow", (3.0, 0.0), (0.0, math.log(3))),
    *((name, (1.0, 1.0), (0.0, 0.0)) for name in ("lt", "le", "gt", "ge", "eq", "ne")),
]


@pytest.mark.parametrize(("name", "xs", "partials"), KINKS)
def test_the_convention_at_a_kink(name, xs, partials):
    primitive = PRIMITIVES[name]
    assert primitive.kink
    assert evaluate(primitive, xs)[1] == partials
    if name != "pow":  # its convention is about the ends of the domain
        zeros = primitive.kinks(FLOATS, *xs)
        assert 0 in (zeros if isinstance(zeros, tuple) else (zeros,))


def test_every_kink_has_a_tested_convention():
    assert {name for name, primitive in PRIMITIVES.items() if primitive.kinks or primitive.kink} == {name for name, *_ in KINKS}
    assert all(bool(primitive.kink) for primitive in PRIMITIVES.values() if primitive.kinks)


def kink_lines(primitive):
    """The lines of a primitive in docs/kinks.md: its convention, and what it does at examples."""
    lines = []
    for xs in [xs for name, xs, _ in KINKS if name == primitive.name]:
        head = " | " if lines else f"`{primitive.name}` | {primitive.kink.replace('|', chr(92) + '|')}"
        shown = ", ".join(f"{d:.6g}" for d in evaluate(primitive, xs)[1])
        lines.append(f"| {head} | `{primitive.name}({', '.join(map(repr, xs))})` | {shown} |")
    return lines


def kink_table():
    """The table of docs/kinks.md."""
    lines = [line for primitive in PRIMITIVES.values() for line in kink_lines(primitive)]
    return "\n".join(["| primitive | convention | for example | derivatives |", "|---|---|---|---|", *lines]) + "\n"


def test_the_page_of_kinks():
    page = (Path(__file__).parents[2] / "docs" / "kinks.md").read_text(encoding="utf-8")
    table = page[page.index("| primitive |") :]
    assert table[: table.index("\n\n") + 1] == kink_table()


# --- smooth rules written with cases -------------------------------------------------------------

SECOND_AND_THIRD = {
    "tanh": (0, -2), "sigmoid": (0, -0.125), "softplus": (0.25, 0), "silu": (0.5, 0), "atan": (0, -2),
    "gelu": (2 / math.sqrt(2 * PI), 0), "gaussian": (-2, 0), "sin": (0, -1), "asinh": (0, -1),
    "normal_cdf": (0, -1 / math.sqrt(2 * PI)), "erf": (0, -4 / math.sqrt(PI)),
}


@pytest.mark.parametrize("name", SECOND_AND_THIRD)
def test_higher_derivatives_at_the_seam(name):
    f = getattr(ag, name)
    found = ag.grad(ag.grad(f))(0.0), ag.grad(ag.grad(ag.grad(f)))(0.0)
    assert found == pytest.approx(SECOND_AND_THIRD[name], abs=1e-15)


@pytest.mark.parametrize("x", [0.0, 1.0, -1.0, 2.0])
def test_higher_derivatives_of_powers(x):
    assert ag.grad(ag.grad(lambda x: x**2))(x) == 2
    assert ag.grad(ag.grad(lambda x: x**3))(x) == 6 * x
    assert ag.grad(ag.grad(ag.grad(lambda x: x**3)))(x) == 6
    assert ag.grad(ag.grad(lambda x: x**1))(x) == 0


def test_hessian_of_logsumexp_at_ties():
    assert ag.hessian(ag.logsumexp)([1.0, 1.0]) == [[0.25, -0.25], [-0.25, 0.25]]


# --- the table -----------------------------------------------------------------------------------


def test_primitives_describe_themselves():
    for name, primitive in PRIMITIVES.items():
        assert primitive.name == name
        assert primitive.summary.endswith(".")
        assert repr(primitive) == f"<primitive {name}>"
        assert len(primitive.domain) == (primitive.arity or 1)
        assert primitive.source == "" or re.search(r"\d{4}", primitive.source)


@pytest.mark.parametrize("primitive", [primitive for primitive in PRIMITIVES.values() if primitive.reduction], ids=lambda primitive: primitive.name)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_long_sum_is_what_its_entry_says(primitive, n):
    lists = [[0.5 * k - 2.0 + i for k in range(n)] for i in range(primitive.lists)]
    terms = [primitive.reduction.term(*xs) for xs in zip(*lists, strict=True)]
    partials = [primitive.reduction.partials(n, *xs) for xs in zip(*lists, strict=True)]
    found, local = evaluate(primitive, [x for xs in lists for x in xs])
    assert found == sum(terms) / (n if primitive.reduction.is_mean else 1)
    assert list(local) == [d for ds in zip(*partials, strict=True) for d in ds]


def test_no_file_but_the_table_asks_for_a_primitive_of_pairs_by_its_name():
    assert [name for name, primitive in PRIMITIVES.items() if primitive.pairs] == ["dot"]
    asked = re.compile(r"""(==|!=|is|is not|in) (PRIMITIVES\[)?["']dot["']|\(["']dot["'], ["']sum["']\)""")
    root = Path(ag.__file__).parent / "_src"
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if asked.search(path.read_text(encoding="utf-8"))}
    assert found == {"engine/reductions.py"}  # which words the errors of the function `dot`


def test_a_primitive_travels_by_its_name():
    for primitive in PRIMITIVES.values():
        assert pickle.loads(pickle.dumps(primitive)) is primitive


def test_a_users_primitive_travels_by_its_name():
    @ag.primitive
    def thrice(x):
        return 3 * x

    primitive = thrice._primitive
    assert pickle.loads(pickle.dumps(primitive)) is primitive
    del USER_PRIMITIVES[primitive.module, primitive.qualname]


def test_a_missing_primitive_stands_in_until_it_is_needed():
    for module in ("autograd_core._src.engine.ops", "no_such_module_anywhere", "json"):
        primitive = find_primitive(module, "gone", "gone", 1)
        assert isinstance(primitive, Primitive)
        assert (primitive.name, primitive.arity, primitive.module) == ("gone", 1, module)
        with pytest.raises(UnknownPrimitiveError, match=r"'gone'.*import the module"):
            primitive.value(None, 1.0)
