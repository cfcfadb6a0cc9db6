"""Formulas of nodes, as text and as LaTeX, written with the labels of the nodes."""

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from autograd_core import RangeError
from autograd_core._src.notation.latex_names import LETTERS

from ..notation.latex import latex
from ..support.formulas import juxtaposed
from ..support.tables import number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from autograd_core import Value

BRACKETS = re.compile(r"\([^()]*\)")
SUMS = frozenset({"add", "sum", "sub"})
FRACTIONS = {Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(1, 4): "¼", Fraction(2, 3): "⅔"}


class Written(NamedTuple):
    """A part of a formula, as text and as LaTeX."""

    text: str
    latex: str
    tight: bool = True  # whether it needs no brackets in a product


def added_up(parts: list[tuple[str, str]]) -> tuple[str, str]:
    """A sum as text and as LaTeX; a term that begins with a minus is subtracted."""
    (text, tex), *more = parts
    for t, x in more:
        text += f" − {t[1:]}" if t.startswith("−") else f" + {t}"
        tex += f" - {x[1:]}" if x.startswith("-") else f" + {x}"
    return text, tex


@contextmanager
def refusing_deep_nesting(caller: str, cure: str) -> Iterator[None]:
    """Turn a RecursionError of the recursive formula writer into a `RangeError` that says what to do.

    The writer may recurse: a formula that is nested deeply enough to fail could not be read either.

    Raises:
        RangeError: Some hundred unnamed operations are nested.
    """
    try:
        yield
    except RecursionError:
        msg = f"{caller}: expected at most about a hundred nested operations without a name; {cure}"
        raise RangeError(msg) from None


def write(node: Value) -> Written:
    """A node as its label, as a number if it is an unlabelled leaf, else as the formula that computes it."""
    if node.label:
        return written(node.label)
    return written_number(float(node.data)) if not node.parents else body(node)


def body(node: Value) -> Written:
    """The formula that computes a node from its operands, even if the node has a label."""
    within = without_guards(node)
    if within is not None:
        return write(within)
    if node.op in SOFTMAX_OPS:
        return _share(node)
    terms = cross_entropy_operands(node)
    if terms is not None:
        return _difference(applied("log", [exponentials(terms[0])]), write(terms[1]))
    if node.op in SUMS:
        parts = [(factor_form(p), sign) if sign < 0 else (p[:2], sign) for sign, p in terms_of_sum(node)]
        return Written(*added_up([(f"−{t}", f"-{x}") if sign < 0 else (t, x) for (t, x), sign in parts]), tight=False)
    if not node.parents:
        return write(node)
    if node.op == "mul":
        return _product_of(*node.parents)
    if node.op == "dot":
        half = len(node.parents) // 2
        pairs = [_product_of(w, x) for w, x in zip(node.parents[:half], node.parents[half:], strict=True)]
        return _added(pairs) if half > 1 else pairs[0]
    if node.op == "logsumexp":
        return applied("log", [exponentials(node.parents)])
    # Once: if each form wrote its operands again, the time would double with every level of nesting.
    operands = [write(p) for p in node.parents]
    form = FORMS.get(node.op)
    if form is not None:
        return form(*operands)
    if node.op == "mean":
        total = factor_form(_added(operands))
        share = written_number(1.0 / len(operands))
        return Written(*juxtaposed([share[:2], total]))
    return applied("σ" if node.op == "sigmoid" else node.op, operands)


def summands(node: Value) -> list[tuple[float, Written]] | None:
    """The terms of a sum, each with its sign; None if the node is no sum of two or more terms."""
    within = without_guards(node)
    while within is not None:
        node, within = within, without_guards(within)
    half = len(node.parents) // 2
    if node.op in SUMS or (node.op == "dot" and half > 1):
        found = terms_of_sum(node)
        return found if len(found) > 1 else None
    return None


def terms_of_sum(node: Value) -> list[tuple[float, Written]]:
    """The written terms of a sum or a dot, each with its sign; an unlabelled dot in a sum gives each product."""
    found: list[tuple[float, Written]] = []
    for sign, p in addends(node) if node.op in SUMS else [(1.0, node)]:
        half = len(p.parents) // 2
        if p.op == "dot" and half > 1 and (p is node or not p.label):
            pairs = zip(p.parents[:half], p.parents[half:], strict=True)
            found += [(sign, _product_of(w, x)) for w, x in pairs]
        else:
            found.append((sign, write(p)))
    return found


def varying_terms(node: Value, dependents: Collection[Value]) -> list[bool]:
    """For each of `terms_of_sum`, whether it depends on one of the given nodes."""
    found: list[bool] = []
    for _, p in addends(node) if node.op in SUMS else [(1.0, node)]:
        half = len(p.parents) // 2
        if p.op == "dot" and half > 1 and (p is node or not p.label):
            varies = [operand in dependents for operand in p.parents]
            found += [w or x for w, x in zip(varies[:half], varies[half:], strict=True)]
        else:
            found.append(p in dependents)
    return found


def addends(node: Value) -> list[tuple[float, Value]]:
    """The addends of a sum, each with its sign. Unlabelled sums among them are flattened and zeros dropped.

    So a + b + c, Python's `sum([a, b, c])`, which starts from 0, and `ag.sum([a, b, c])` are written alike.
    """
    found: list[tuple[float, Value]] = []
    waiting: list[tuple[float, Value]] = [(1.0, node)]
    while waiting:
        sign, p = waiting.pop()
        if p is not node and (p.label or p.op not in SUMS or sign < 0):
            found.append((sign, p))
        elif p.op == "sub":
            waiting += [(-sign, p.parents[1]), (sign, p.parents[0])]
        else:
            waiting += [(sign, q) for q in reversed(p.parents) if not (is_number(q) and q.data == 0)]
    return found or [(1.0, node.parents[0])]


def without_guards(node: Value) -> Value | None:
    """The operand that a node equals mathematically, if it is only a numerical guard or a trivial sum; else None.

    That is a logarithm clipped from below where the clip is inactive, a `where` that patches a formula at a single
    point, the sum or mean of one number, and 0 + x. No textbook writes these.
    """
    ps = node.parents
    if node.op in ("sum", "mean") and len(ps) == 1:
        return ps[0]
    if node.op in ("add", "sum"):
        more = [p for p in ps if not (is_number(p) and p.data == 0)]
        return more[0] if len(more) == 1 else None
    if node.op == "maximum" and ps[0].op in ("log", "log1p") and is_number(ps[1]) and ps[0].data > ps[1].data:
        return ps[0]
    if node.op == "where" and ps[0].op == "eq" and (not ps[0].data or (is_number(ps[1]) and not ps[1].data)):
        return ps[2]
    return None


# --- softmax: shares exp(x)/Σ of a sum of exponentials -------------------------------------------------

SOFTMAX_OPS = frozenset({"softmax", "log_softmax"})


def exponents(node: Value) -> tuple[Value, ...]:
    """The nodes whose exponentials a softmax, log_softmax or logsumexp node adds up."""
    return node.parents[1].parents if node.op in SOFTMAX_OPS else node.parents


def cross_entropy_operands(node: Value) -> tuple[tuple[Value, ...], Value] | None:
    """All scores z and the score z_k of the right class, if a node is the loss log Σ exp(z) − z_k; else None."""
    if node.op != "cross_entropy":
        return None
    xs = node.parents
    labels = [x.label for x in xs]
    if all(labels) and len(set(labels)) == len(xs):
        xs = tuple(sorted(xs, key=lambda x: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", x.label)]))
    return xs, node.parents[-1]


def exponentials(xs: Sequence[Value]) -> Written:
    """exp(x1) + ... + exp(xn)."""
    return _added([exponential(x) for x in xs])


def exponential(x: Value) -> Written:
    """exp(x), as text and as a power of e."""
    return _exponential(write(x))


def share_of(x: Value, xs: Sequence[Value]) -> Written:
    """exp(x) / (exp(x1) + ... + exp(xn))."""
    return quotient(exponential(x), exponentials(xs))


def _share(node: Value) -> Written:
    xs = exponents(node)
    if node.op == "softmax":
        return share_of(node.parents[0], xs)
    return _difference(write(node.parents[0]), applied("log", [exponentials(xs)]))


# --- operations --------------------------------------------------------------------------------------


def _difference(a: Written, b: Written) -> Written:
    return Written(f"{a.text} − {factor_form(b)[0]}", f"{a.latex} - {factor_form(b)[1]}", tight=False)


def _negative(a: Written) -> Written:
    text, latex = factor_form(a)
    return Written(f"−{text}", f"-{latex}", tight=False)


def quotient(a: Written, b: Written) -> Written:
    """a / b, as text and as a fraction."""
    above = factor_form(a)[0]
    return Written(f"{above}/{below_the_line(b)}", rf"\frac{{{a.latex}}}{{{b.latex}}}")


def below_the_line(part: Written) -> str:
    """A part as the denominator of a/b: products, quotients and sums in brackets."""
    return part.text if part.tight and not any(c in part.text for c in " /") else bracketed(part)[0]


def bracketed(part: Written) -> tuple[str, str]:
    """A part in brackets."""
    return f"({part.text})", rf"\left({part.latex}\right)"


def _exponential(x: Written) -> Written:
    return Written(f"exp({x.text})", f"e^{{{x.latex}}}")


def _logarithm_from_one(x: Written) -> Written:
    return applied("log", [one_more(x)])


def one_more(x: Written) -> Written:
    """1 + x."""
    return _added([written_number(1.0), x])


def _product_of(a: Value, b: Value) -> Written:
    if a is b and not is_number(a):
        return power(write(a), written_number(2.0))
    numbers, rest = _split_numbers([a, b])
    if rest and (len(numbers) > 1 or -1.0 in numbers):  # 2 · ½ x is x
        return _times(math.prod(numbers), rest)
    return _juxtaposed(write(a), write(b))


def _split_numbers(factors: Sequence[Value]) -> tuple[list[float], list[Value]]:
    """The numbers among the factors of a product, and the other factors. Unlabelled products among them are flattened.

    An unlabelled mean of n terms gives the number 1/n and stands for the sum of its terms.
    """
    numbers: list[float] = []
    rest: list[Value] = []
    waiting = [*factors][::-1]
    while waiting:
        node = waiting.pop()
        within = None if node.label else without_guards(node)
        if within is not None:
            waiting.append(within)
        elif is_number(node):
            numbers.append(float(node.data))
        elif node.op in ("mul", "neg") and not node.label:
            numbers += [-1.0] * (node.op == "neg")
            waiting += node.parents[::-1]
        else:
            if node.op == "mean" and not node.label:
                numbers.append(1.0 / len(node.parents))
            rest.append(node)
    return numbers, rest


def _times(number: float, factors: Sequence[Value]) -> Written:
    """A number times factors: 1 is not written, and −1 is a minus sign."""
    if number < 0.0:
        return _negative(_times(-number, factors))
    sums = [
        _added([write(p) for p in node.parents]) if node.op == "mean" and not node.label else write(node)
        for node in factors
    ]
    parts = [*([] if number == 1.0 else [written_number(number)]), *sums]
    return parts[0] if len(parts) == 1 else _juxtaposed(*parts)


def operand_form(part: Written) -> tuple[str, str]:
    """A part as the operand of ∂: sums, products and quotients in brackets."""
    outside = part.text
    while "(" in outside and (shorter := BRACKETS.sub("", outside)) != outside:
        outside = shorter
    loose = not part.tight or outside.startswith("^") or any(c in outside for c in " /")
    return bracketed(part) if loose else (part.text, part.latex)


def is_number(node: Value) -> bool:
    """Whether a node is shown as its number."""
    return not node.label and not node.parents


def factor_form(part: Written) -> tuple[str, str]:
    """A part as a factor of a product: sums in brackets."""
    return (part.text, part.latex) if part.tight else (f"({part.text})", rf"\left({part.latex}\right)")


def _juxtaposed(*parts: Written) -> Written:
    return Written(*juxtaposed([factor_form(p) for p in parts]))


def _added(parts: Sequence[Written]) -> Written:
    text, latex = added_up([(p.text, p.latex) for p in parts])
    return Written(text, latex, tight=len(parts) == 1 and parts[0].tight)


def power(base: Written, exponent: Written) -> Written:
    """base^exponent."""
    alone = base.tight and not any(c in base.text for c in " /^²³") and not base.text.startswith("−")
    text = base.text if alone else f"({base.text})"
    latex = base.latex if alone and "^" not in base.latex and "'" not in base.latex else rf"\left({base.latex}\right)"
    small = {"2": "²", "3": "³"}.get(exponent.text, f"^{below_the_line(exponent)}")
    return Written(f"{text}{small}", f"{latex}^{{{exponent.latex}}}")


FORMS: dict[str, Callable[..., Written]] = {
    "neg": _negative,
    "div": quotient,
    "pow": power,
    "square": lambda x: power(x, written_number(2.0)),
    "exp": _exponential,
    "log1p": _logarithm_from_one,
}


def applied(name: str, inside: Sequence[Written], *, mark: bool = False) -> Written:
    """A function applied to its operands; with `mark`, its derivative, with a prime."""
    letter = r"\sigma" if name == "σ" else rf"\{name}" if name in LATEX_KNOWS else rf"\operatorname{{{name}}}"
    letter = letter.replace("_", r"\_")
    texts, latex = ", ".join(p.text for p in inside), ", ".join(p.latex for p in inside)
    prime = "′" if mark else ""
    return Written(f"{name}{prime}({texts})", rf"{letter}{chr(39) if mark else ''}\left({latex}\right)")


LATEX_KNOWS = frozenset("exp log sin cos tan sinh cosh tanh max min".split())


def written_number(x: float) -> Written:
    """A number: four digits, or a simple fraction."""
    if math.isfinite(x):
        part = Fraction(x).limit_denominator(100)
        if abs(part) in FRACTIONS and float(part) == x:
            sign = "−" if x < 0 else ""
            over = rf"\frac{{{abs(part.numerator)}}}{{{part.denominator}}}"
            return Written(f"{sign}{FRACTIONS[abs(part)]}", f"{'-' if x < 0 else ''}{over}", tight=x >= 0)
    return Written(number(x), number(x).replace("−", "-"), tight=x >= 0)


def for_latex(words: str) -> str:
    """Words for a LaTeX formula, their letters as LaTeX commands."""
    signs = {"_": r"\_", "^": r"\^{}", "′": "$'$", "−": "$-$", "∂": r"$\partial$", "·": r"$\cdot$"}
    signs |= {letter: f"${x}$" for letter, x in LETTERS.items()}
    return "".join(signs.get(c, c) for c in words)


def written(label: str) -> Written:
    r"""A label in mathematical notation: y_hat becomes ŷ, and what follows the first _ is an index, as in w_i→j.

    Example:
        >>> from nn._src.teaching.writing import written
        >>> written("w_i→j").latex, written("y_hat").text, written("ŷ").latex
        ('w_{i \\to j}', 'ŷ', '\\hat{y}')
        >>> written("sum(z_1)").latex, written("1/Σ").latex, written("a_1^(2)").latex
        ('\\mathrm{sum}(z_{1})', '\\frac{1}{\\Sigma}', 'a_{1}^{(2)}')
    """
    label = label.replace("y_hat", "ŷ").replace("yhat", "ŷ")
    return Written(label, latex(label))
