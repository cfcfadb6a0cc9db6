"""The derivation of a derivative, line by line, in symbols: labels of the graph, not numbers, stand in the formulas.

Each line differentiates through one more labelled node than the line before. The factors of a path stand in order from
the result to the leaf, as texts on backpropagation write them; several paths are a sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, RangeError, Value, count_paths
from autograd_core._src.any_object import shown
from autograd_core._src.sums import exact_sum
from autograd_core._src.wrong_calls import says_how

from ..support.formulas import in_pre, is_loose, juxtaposed, with_reasons
from ..support.tables import Table, broken, number
from .derivation_lines import OVER, DerivationLine, by_rules, by_way_of, chain_rule, closing_lines
from .derivation_paths import LeafPaths, OpenProduct
from .lines import in_numbers, line_of
from .slopes import Factor
from .writing import Written, factor_form, for_latex, operand_form, refusing_deep_nesting, write
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
    """Write out by hand, line by line, the derivative of a node with respect to another, in the labels of the nodes.

    Each line differentiates through one more labelled node (`label=`, or `ag.name(locals())`); unlabelled nodes are
    written out. The rules that were applied stand to the right. The derivative of a sigmoid is written σ(s)(1 − σ(s)),
    that of a logarithm 1/a, and that of a function without a textbook formula f′(s). Like terms are added, so the
    derivative of s s is 2 s. In a sum over several paths, factors that all begin with are taken out to the left, and in
    the last line one that all end with to the right.

    The last lines simplify. Terms of a sum divided by that sum become softmax outputs: (1 − exp(x)/Σ) exp(x)/Σ, or with
    `outputs=True` s(1 − s), if s labels exp(x)/Σ. In the same way exp(−s)/(1 + exp(−s))² becomes f(1 − f), where
    f = 1/(1 + exp(−s)). Denominators that cancel against derivatives written by outputs are cancelled:
    (−y/a + (1 − y)/(1 − a)) a(1 − a) is a − y. Targets y_1, y_2, ... that add up to 1, as one-hot targets do, are
    summed: a_1 y_1 + a_1 y_2 − y_1 is a_1 − y_1. A loss that takes scores ends in the same form:
    −y σ(−z) + (1 − y) σ(z) is σ(z) − y, and with a = σ(z) given in `beside`, a − y.

    A target given as a plain number is written as that number, so the last line is a − 1; pass
    `ag.Value(1.0, label="y")` to the loss to see a − y. The loss of an `nn.forward_pass` has such a target if it is
    asked for by a text's letter: `run["L"]`, not `run.loss`. If the operands of a softmax are
    labelled z_1, z_2, ..., it suffices to label one output, such as s_1: the others are then called s_2, ... To see the
    product and power rules in place of the quotient rule, divide through a node of its own: inverse = 1 / total.

    The derivative with respect to a node that the root does not depend on is 0, and that of a node with respect to
    itself is 1, so whole Jacobians can be written out:
    `[[nn.derivation(z, s).result for s in run["sum(Z)"]] for z in run["Z"]]`.

    Args:
        root: The node that is differentiated.
        leaf: The node with respect to which it is differentiated.
        prime: Whether the derivatives of sigmoid and tanh are written σ′(s) and tanh′(s), too.
        outputs: Whether they are written by the output of the function, where that has a label: z(1 − z) and 1 − z².
        sums: Whether the derivative of a sum has a line of its own: the sum of the derivatives of its terms.
        partials: Whether the first line is the chain rule alone, from each labelled node to the next: ∂L/∂a · ∂a/∂z. If
            nodes are given, such as the layer `run["Y"]`, only these stand in it: the sum over Y of ∂z_3/∂y · ∂y/∂x_2.
        factored: Whether the contributions of several paths to a node are summed before they are propagated further, as
            error signals are: (w_jo σ′(s_j) w_ij + w_ko σ′(s_k) w_ik) σ′(s_i) x instead of one product for each path.
        beside: Labelled nodes that are not in the graph but may stand in the formulas: for a loss that takes scores,
            a = σ(z) or the outputs of a softmax, which it does not compute, such as `nn.forward_pass(...).of_scores`.
        through: A node on every path, whose own derivative is already known: ∂L/∂b = ∂L/∂z · ∂z/∂b =
            (a − y) · ∂z/∂b = (a − y) · 1.
        name: What the derivative is called, such as "δ_j" or "dz"; written on the left of an additional first line.

    Returns:
        A `Derivation` with `.lines`, `.reasons`, `.result`, `.latex` and `.value`.

    Raises:
        OperandError: One of them is no Value.
        RangeError: There are more than 64 paths, or not all of them lead through `through`; or some hundred operations
            without a label are nested.

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
    with refusing_deep_nesting("derivation", "label more of them"):
        if through is not None:
            return _named(_through(root, leaf, through, options, partials=partials), name)
        return _named(_derived(root, leaf, options, partials=partials), name)


def _derived(
    root: Value, leaf: Value, options: dict[str, Any], *, partials: bool | Sequence[Value]
) -> Derivation:
    """The derivation without `through` and `name`."""
    prime, outputs, sums, factored, beside = (options[k] for k in ("prime", "outputs", "sums", "factored", "beside"))
    leaf_form = write(leaf)
    if root is leaf or not count_paths(root, leaf):
        return _constant(root, leaf, leaf_form)
    leaf_paths = LeafPaths(root, leaf, prime=prime, outputs=outputs, sums=sums, beside=beside)
    written, last = by_rules(leaf_paths, leaf_form, sums=sums, factored=factored)
    if partials is not False and not isinstance(partials, bool):
        written[1:1] = chain_rule(leaf_paths, leaf_form, by_way_of(partials))
    elif partials:
        written[1:1] = chain_rule(leaf_paths, leaf_form)
    more, last = closing_lines(
        root, leaf, last, leaf_form, prime=prime, outputs=outputs, beside=beside, factored=factored
    )  # fmt: skip
    if not more and " · 1/" in written[-1].text:  # y · 1/a is y/a
        text, tex = line_of(last, leaf_form, last=True, over=True)
        written[-1] = written[-1]._replace(text=text, latex=tex)
    if more and more[0].why == OVER and more[0].text == written[-1].text:
        more = more[1:]
    return _made(root, leaf_form, written + more, last)


def _made(
    root: Value, leaf_form: Written, written: Sequence[DerivationLine], last: Sequence[OpenProduct]
) -> Derivation:
    """A `Derivation` of these lines, with ∂L/∂z on the left of the first."""
    left = _quotient(root, leaf_form)
    return Derivation(
        tuple(f"{' ' * len(left[0]) if k else left[0]} = {line.text}" for k, line in enumerate(written)),
        tuple(line.why for line in written),
        tuple(f"{'' if k else left[1] + ' '}&= {line.latex}" for k, line in enumerate(written)),
        exact_sum(t.coefficient * math.prod(f.value for f in t.factors) for t in last),
        tuple(t.factors for t in last),
        tuple(t.coefficient for t in last),
    )


def _quotient(root: Value, leaf_form: Written) -> tuple[str, str]:
    """∂L/∂z."""
    top = operand_form(write(root))
    return f"∂{top[0]}/∂{leaf_form.text}", rf"\frac{{\partial {top[1]}}}{{\partial {leaf_form.latex}}}"


def _named(found: Derivation, name: str) -> Derivation:
    """The same derivation under a name of its own: δ_j = ∂E/∂s_j = ..."""
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
    """The derivative through a node whose own derivative is known: ∂L/∂z ∂z/∂b = (a − y) ∂z/∂b = (a − y) · 1.

    Raises:
        OperandError: That is no Value.
        RangeError: Some path leads around it.
    """
    if not isinstance(through, Value):
        msg = f"derivation: through: expected a Value, got {shown(through)}"
        raise OperandError(msg)
    paths = count_paths(root, leaf)
    if through in (root, leaf) or not paths or count_paths(root, through) * count_paths(through, leaf) != paths:
        names = [operand_form(write(node))[0] for node in (leaf, root, through)]
        msg = f"derivation: through: expected a node that every path from {names[0]} to {names[1]} leads through, got "
        raise RangeError(msg + names[2])
    above, below = derivation(root, through, **options), derivation(through, leaf, **options)
    leaf_form, middle = write(leaf), write(through)
    factors = [_as_factor(above), _as_factor(below)]
    known, last = (f[:2] for f in factors)
    open_factor, still = _quotient(through, leaf_form), _quotient(root, middle)
    written = [DerivationLine(f"{still[0]} · {open_factor[0]}", rf"{still[1]} \, {open_factor[1]}", "chain rule")]
    if partials is not False:
        by = None if isinstance(partials, bool) else by_way_of(partials)
        leaf_paths = LeafPaths(root, leaf, **{k: v for k, v in options.items() if k != "factored"})
        written = chain_rule(leaf_paths, leaf_form, by)
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
        return _made(root, leaf_form, written, [OpenProduct(1.0, (factors[0],), None)])
    return _made(root, leaf_form, written, [OpenProduct(1.0, tuple(factors), None)])


def _as_factor(found: Derivation) -> Factor:
    """The result of a derivation as a factor: a sum in brackets."""
    tex = found.latex_lines[-1].partition("&= ")[2]
    loose = is_loose(found.result)
    return Factor(*factor_form(Written(found.result, tex, tight=not loose)), found.value)


def _constant(root: Value, leaf: Value, leaf_form: Written) -> Derivation:
    """The derivative of a node with respect to itself, 1, or to one that it does not depend on, 0."""
    top, below = operand_form(write(root)), operand_form(leaf_form)
    one = root is leaf
    why = "" if one else f"no path leads from {below[0]} to {top[0]}"
    left = rf"\frac{{\partial {top[1]}}}{{\partial {below[1]}}} "
    value = float(one)
    line = f"∂{top[0]}/∂{below[0]} = {number(value)}"
    return Derivation((line,), (why,), (f"{left}&= {number(value)}",), value, ((),) * one, (1.0,) * one)
