"""The derivation of one derivative, line by line, with the names of the graph: sigma stays sigma, numbers stand beside.

A line goes one named node further down than the one before it. Along a path the factors stand in the order in which
they are met, from the result to the leaf, as texts on backpropagation have them; several paths are a sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, RangeError, Value, count_paths
from autograd_core._src.sums import exact_sum
from autograd_core._src.wrong_calls import says_how

from ..support.formulas import in_pre, is_loose, juxtaposed, with_reasons
from ..support.tables import Table, broken, number
from ..support.validation import shown
from .derivation_lines import OVER, DerivationLine, as_texts_end, by_rules, by_way_of, chain_rule
from .lines import in_numbers, line_of
from .slopes import Factor
from .ways import OpenProduct, Ways
from .writing import Written, apart, as_deep_as_it_goes, for_latex, held, write
from .writing import written as as_label

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation(Table):
    """What `nn.derivation` wrote. It is text, and a formula in a notebook.

    Attributes:
        lines: Each line as text, the first with the derivative's name; the last one has no derivative left to take.
        reasons: For each line the rules by which it follows from the one before; they stand to its right.
        value: The number that the last line comes to.
        factors: For each term the factors of the last line, each with `.text .latex .value`.
        coefficients: For each term the number in front of them.

    Example:
        >>> import autograd_core as ag, nn
        >>> x, w, y = (ag.Value(v, label=name) for v, name in ((1.0, "x"), (0.0, "w"), (1.0, "y")))
        >>> s = w * x
        >>> z = ag.sigmoid(s)
        >>> E = 0.5 * (z - y) ** 2
        >>> ag.name(locals())
        >>> print(nn.derivation(E, w))
        ∂E/∂w = ∂/∂w [½ (z − y)²]
              = (z − y) ∂/∂w [σ(s)]                  chain rule, power rule, constant terms
              = (z − y) σ(s)(1 − σ(s)) ∂/∂w [w x]    chain rule, derivative of σ
              = (z − y) σ(s)(1 − σ(s)) x             constant factor
              = (−0.5) · 0.25 · 1 = −0.125
    """

    lines: tuple[str, ...]
    reasons: tuple[str, ...]
    latex_lines: tuple[str, ...]
    value: float
    factors: tuple[tuple[Factor, ...], ...]
    coefficients: tuple[float, ...]

    @property
    def result(self) -> str:
        """The last line, without the equals sign.

        Example:
            >>> import autograd_core as ag, nn
            >>> w = ag.Value(2.0, label="w")
            >>> nn.derivation(ag.tanh(w), w).result
            '1 − tanh(w)²'
        """
        return self.lines[-1].partition("= ")[2]

    @property
    def numbers(self) -> str:
        """The last line with numbers for its factors, and what it comes to.

        Example:
            >>> import autograd_core as ag, nn
            >>> a, b, w = (ag.Value(v, label=name) for v, name in ((2.0, "a"), (4.0, "b"), (3.0, "w")))
            >>> nn.derivation(a * (b * w), w).numbers
            '2 · 4 = 8'
        """
        text = in_numbers(list(zip(self.coefficients, self.factors, strict=True)))
        return text if text == number(self.value) else f"{text} = {number(self.value)}"

    @property
    def latex(self) -> str:
        r"""All lines as one LaTeX formula, aligned at the equals signs, with reasons to the right.

        Example:
            >>> import autograd_core as ag, nn
            >>> w = ag.Value(2.0, label="w_1")
            >>> nn.derivation(ag.tanh(w), w).latex.split("&= ")[-1]
            '1 - \\tanh\\left(w_{1}\\right)^{2} && \\text{derivative of tanh} \\end{aligned}'
        """
        each = zip(self.latex_lines, self.reasons, strict=True)
        lines = r" \\ ".join(rf"{line} && \text{{{for_latex(why)}}}" if why else line for line, why in each)
        return rf"\begin{{aligned}} {lines} \end{{aligned}}"

    def _heading(self) -> str:
        more = [] if self.numbers == self.result else broken(f"{self._indent()}= {self.numbers}")
        return "\n".join([*with_reasons(self.lines, self.reasons), *more])

    def _indent(self) -> str:
        return " " * len(self.lines[0].partition("= ")[0])

    def __str__(self) -> str:
        return self._heading()

    def _repr_html_(self) -> str:
        import html

        return in_pre(html.escape(str(self)))

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


@says_how
def derivation(
    root: Value,
    leaf: Value,
    *,
    prime: bool = False,
    outputs: bool = False,
    sums: bool = False,
    partials: bool | Sequence[Value] = False,
    factored: bool = False,
    beside: Sequence[Value] = (),
    through: Value | None = None,
    name: str = "",
) -> Derivation:
    """How the derivative of a node to one below it is worked out by hand, with the names that the nodes have.

    Every line takes the derivatives of one named node more (`label=`, or `ag.name(locals())`); what has no name is
    written out. To its right stand the rules that were used. A sigmoid's slope is written σ(s)(1 − σ(s)), a
    logarithm's 1/a, those of functions that texts have no formula for f′(s). Terms that are alike are added, so the
    derivative of s s begins with 2 s. The sum over several paths has what they begin with in front, and in the last
    line what they all end with behind. Terms of a sum that are divided by it are written as shares of it:
    (1 − exp(x)/Σ) exp(x)/Σ, with `outputs=True` s(1 − s), if s is the share's name; and
    exp(−s)/(1 + exp(−s))² as f(1 − f) of that logistic function. Where the slopes by what functions gave cancel all
    denominators, two lines more do so: (−y/a + (1 − y)/(1 − a)) a(1 − a) is a − y. Where targets y_1, y_2, ... add up
    to 1, as if one is 1 and the others are 0, another says so: a_1 y_1 + a_1 y_2 − y_1 is a_1 − y_1.
    A loss that takes scores ends likewise: −y σ(−z) + (1 − y) σ(z) is σ(z) − y, with a = σ(z) given `beside` a − y.

    A target that is a plain number is written as one, and the last line is a − 1; give it as
    `ag.Value(1.0, label="y")`, to a loss or to `nn.forward_pass`, to see a − y. Of softmax it is enough that one
    output has a name such as s_1, where the numbers are called z_1, z_2, ...: the others are called s_2, ... For the
    rules of product and power in place of the quotient's, divide by a node of its own: inverse = 1 / total.

    Where no path leads to the root the derivative is 0, and that of a node to itself is 1, so whole Jacobians can be
    written out: `[[nn.derivation(z, s).result for s in run["sum(Z)"]] for z in run["Z"]]`.

    Args:
        root: The node that is differentiated.
        leaf: The node that it is differentiated to.
        prime: Whether the slopes of sigmoids and tanh are written σ′(s) and tanh′(s), too.
        outputs: Whether they are written by what the function gave, where that has a name: z(1 − z) and 1 − z².
        sums: Whether the derivative of a sum has a line of its own: the sum of the derivatives of its terms.
        partials: Whether the first line is the chain rule alone, from each named node to the next: ∂L/∂a · ∂a/∂z. Given
            nodes, such as the layer `run["Y"]`, it goes by way of these alone: the sum over Y of ∂z_3/∂y · ∂y/∂x_2.
        factored: Whether what several paths bring to a node is added up there before it is passed on, as error signals
            are: (w_jo σ′(s_j) w_ij + w_ko σ′(s_k) w_ik) σ′(s_i) x in place of a product for each path.
        beside: Nodes with names that are not in the graph: of a loss that takes scores a = σ(z), or the outputs of a
            softmax, which it does not compute; `nn.forward_pass(...).of_scores` are such.
        through: A node that every path leads through, whose derivative is known from before: ∂L/∂b = ∂L/∂z · ∂z/∂b =
            (a − y) · ∂z/∂b = (a − y) · 1.
        name: What the derivative is called, such as "δ_j" or "dz"; it stands on the left of a line before the others.

    Returns:
        A `Derivation` with `.lines`, `.reasons`, `.result`, `.latex` and `.value`.

    Raises:
        OperandError: One of them is no Value.
        RangeError: There are more than 64 paths, or not all of them lead through `through`; or too many operations
            without a name are one within the other.

    Source: Dolhansky, "Mathematics of backpropagation (part 4)", 2014, works out three such cases.

    Example:
        >>> import autograd_core as ag, nn
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(3.0, label="b")
        >>> s = a * b
        >>> s.label = "s"
        >>> nn.derivation(ag.tanh(s), a).lines
        ('∂tanh(s)/∂a = ∂/∂a [tanh(s)]', '            = (1 − tanh(s)²) ∂/∂a [a b]', '            = (1 − tanh(s)²) b')
        >>> print(nn.derivation(a, b))
        ∂a/∂b = 0    no path leads from b to a
        >>> z, y = ag.Value(0.5, label="z"), ag.Value(1.0, label="y")
        >>> a = ag.sigmoid(z)
        >>> a.label = "a"
        >>> nn.derivation(nn.binary_cross_entropy_with_logits(z, y), z, beside=[a]).result
        'a − y'
        >>> w, x, b = (ag.Value(v, label=name) for v, name in ((0.5, "w"), (1.0, "x"), (0.0, "b")))
        >>> z = w * x + b
        >>> a = ag.sigmoid(z)
        >>> L = nn.binary_cross_entropy(a, y)
        >>> ag.name(locals())
        >>> print(nn.derivation(L, b, outputs=True, partials=True, through=z, name="db"))
        db = ∂L/∂b
           = ∂L/∂a · ∂a/∂z · ∂z/∂b    chain rule
           = (a − y) · ∂z/∂b          ∂L/∂z = a − y
           = (a − y) · 1              ∂z/∂b = 1
           = a − y
           = −0.3775
    """
    for what, x in (("root", root), ("leaf", leaf)):
        if not isinstance(x, Value):
            one = "; take one of them, as with [0]" if isinstance(x, (tuple, list)) else ""
            msg = f"derivation: {what}: expected a Value, got {shown(x)}{one}"
            raise OperandError(msg)
    options = {"prime": prime, "outputs": outputs, "sums": sums, "factored": factored, "beside": beside}
    with as_deep_as_it_goes("derivation", "label more of them"):
        if through is not None:
            return _named(_through(root, leaf, through, options, partials=partials), name)
        return _named(_derived(root, leaf, options, partials=partials), name)


def _derived(
    root: Value, leaf: Value, options: dict[str, Any], *, partials: bool | Sequence[Value]
) -> Derivation:
    """The derivation by the options of `derivation`, without a name of its own."""
    prime, outputs, sums, factored, beside = (options[k] for k in ("prime", "outputs", "sums", "factored", "beside"))
    bottom = write(leaf)
    if root is leaf or not count_paths(root, leaf):
        return _constant(root, leaf, bottom)
    ways = Ways(root, leaf, prime=prime, outputs=outputs, sums=sums, beside=beside)
    written, last = by_rules(ways, bottom, sums=sums, factored=factored)
    if partials is not False and not isinstance(partials, bool):
        written[1:1] = chain_rule(ways, bottom, by_way_of(partials))
    elif partials:
        written[1:1] = chain_rule(ways, bottom)
    more, last = as_texts_end(
        root, leaf, last, bottom, prime=prime, outputs=outputs, beside=beside, factored=factored
    )  # fmt: skip
    if not more and " · 1/" in written[-1].text:  # y · 1/a is y/a
        text, tex = line_of(last, bottom, last=True, over=True)
        written[-1] = written[-1]._replace(text=text, latex=tex)
    if more and more[0].why == OVER and more[0].text == written[-1].text:
        more = more[1:]
    return _made(root, bottom, written + more, last)


def _made(root: Value, bottom: Written, written: Sequence[DerivationLine], last: Sequence[OpenProduct]) -> Derivation:
    """Lines behind the derivative's name."""
    left = _quotient(root, bottom)
    return Derivation(
        tuple(f"{' ' * len(left[0]) if k else left[0]} = {line.text}" for k, line in enumerate(written)),
        tuple(line.why for line in written),
        tuple(f"{'' if k else left[1] + ' '}&= {line.latex}" for k, line in enumerate(written)),
        exact_sum(t.coefficient * math.prod(f.value for f in t.factors) for t in last),
        tuple(t.factors for t in last),
        tuple(t.coefficient for t in last),
    )


def _quotient(root: Value, bottom: Written) -> tuple[str, str]:
    """∂L/∂z."""
    top = apart(write(root))
    return f"∂{top[0]}/∂{bottom.text}", rf"\frac{{\partial {top[1]}}}{{\partial {bottom.latex}}}"


def _named(found: Derivation, name: str) -> Derivation:
    """The same with a name of its own on the left: δ_j = ∂E/∂s_j = ..."""
    if not isinstance(name, str):
        msg = f"derivation: name: expected a str, got {shown(name)}"
        raise OperandError(msg)
    if not name:
        return found
    own = as_label(name)
    quotient, _, first = found.lines[0].partition(" = ")
    left, _, tex = found.latex_lines[0].partition(" &= ")
    rest = [line.partition("= ")[2] for line in found.lines[1:]]
    lines = [f"{own.text} = {quotient}", *(f"{' ' * len(own.text)} = {line}" for line in (first, *rest))]
    latex = (f"{own.latex} &= {left}", f"&= {tex}", *found.latex_lines[1:])
    return replace(found, lines=tuple(lines), reasons=("", *found.reasons), latex_lines=latex)


def _through(
    root: Value, leaf: Value, through: Value, options: dict[str, Any], *, partials: bool | Sequence[Value]
) -> Derivation:
    """The derivative by way of a node whose own derivative is known: ∂L/∂z ∂z/∂b = (a − y) ∂z/∂b = (a − y) · 1.

    Raises:
        OperandError: That is no Value.
        RangeError: Some path leads around it.
    """
    if not isinstance(through, Value):
        msg = f"derivation: through: expected a Value, got {shown(through)}"
        raise OperandError(msg)
    paths = count_paths(root, leaf)
    if through in (root, leaf) or not paths or count_paths(root, through) * count_paths(through, leaf) != paths:
        names = [apart(write(node))[0] for node in (leaf, root, through)]
        msg = f"derivation: through: expected a node that every path from {names[0]} to {names[1]} leads through, got "
        raise RangeError(msg + names[2])
    above, below = derivation(root, through, **options), derivation(through, leaf, **options)
    bottom, middle = write(leaf), write(through)
    factors = [_as_factor(above), _as_factor(below)]
    known, last = (f[:2] for f in factors)
    open_factor, still = _quotient(through, bottom), _quotient(root, middle)
    written = [DerivationLine(f"{still[0]} · {open_factor[0]}", rf"{still[1]} \, {open_factor[1]}", "chain rule")]
    if partials is not False:
        by = None if isinstance(partials, bool) else by_way_of(partials)
        written = chain_rule(Ways(root, leaf, **{k: v for k, v in options.items() if k != "factored"}), bottom, by)
    one = below.result == "1"
    product = (f"{known[0]} · {last[0]}", rf"{known[1]} \cdot {last[1]}") if one else juxtaposed([known, last])
    written += [
        DerivationLine(
            f"{known[0]} · {open_factor[0]}", rf"{known[1]} \cdot {open_factor[1]}", f"{still[0]} = {above.result}"
        ),
        DerivationLine(product[0], product[1], f"{open_factor[0]} = {below.result}"),
    ]
    if one:
        written.append(DerivationLine(above.result, above.latex_lines[-1].partition("&= ")[2]))
        return _made(root, bottom, written, [OpenProduct(1.0, (factors[0],), None)])
    return _made(root, bottom, written, [OpenProduct(1.0, tuple(factors), None)])


def _as_factor(found: Derivation) -> Factor:
    """The result of a derivation as a factor: a sum in brackets."""
    tex = found.latex_lines[-1].partition("&= ")[2]
    loose = is_loose(found.result)
    return Factor(*held(Written(found.result, tex, tight=not loose)), found.value)


def _constant(root: Value, leaf: Value, bottom: Written) -> Derivation:
    """The derivative of a node to itself, 1, or to one that it does not depend on, 0."""
    top, below = apart(write(root)), apart(bottom)
    one = root is leaf
    why = "" if one else f"no path leads from {below[0]} to {top[0]}"
    left = rf"\frac{{\partial {top[1]}}}{{\partial {below[1]}}} "
    value = float(one)
    line = f"∂{top[0]}/∂{below[0]} = {number(value)}"
    return Derivation((line,), (why,), (f"{left}&= {number(value)}",), value, ((),) * one, (1.0,) * one)
