"""The cost over many cases as a formula: J(Θ) with its penalty as CS60050 writes it, and as the other texts do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..analysis.signal_formulas import EACH, EQUAL, SUMS_OF_CASES, in_product, letter_of_cases, side_by_side, value_of
from ..modules.losses import takes_mean_of_outputs, underlying
from ..notation.latex import latex
from ..notation.naming import is_lone_unit
from ..support.formulas import Formula, Formulas
from ..support.tables import number
from .forward_formulas import loss_formula

if TYPE_CHECKING:
    from ..analysis.layers_by_name import ForwardPass

H = Formula("h_Θ(x_i)", r"h_{\Theta}(x_{i})")
H_SMALL = Formula("h_θ(x_i)", r"h_{\theta}(x_{i})")  # of logistic regression
H_K = Formula("(h_Θ(x_i))_k", r"\left(h_{\Theta}(x_{i})\right)_{k}")
HALVES = frozenset(("sse",))
SQUARES = frozenset(("sse", "mse"))
OF_SIGMOIDS = frozenset(("binary_cross_entropy", "binary_cross_entropy_with_logits"))


class CostParts(NamedTuple):
    """What a cost is made of.

    Attributes:
        letter: The letter of the cost.
        loss: The loss function of one case.
        target: The target of the first case.
        outputs: The number of outputs of a case.
        data: The total loss of the cases, without the penalty.
        penalty: The number that the penalty comes to.
        lam: The regularisation strength λ.
        mean: Whether the cost is the mean over the cases, not the sum.
    """

    letter: str
    loss: Any
    target: Any
    outputs: int
    data: float
    penalty: float
    lam: float
    mean: bool


def cost_formula(run: ForwardPass, cost: CostParts) -> Formulas:
    """The cost as a formula with its number; the penalty is written if λ is not 0.

    Args:
        run: The forward pass of the first case; its names carry the index of the case.
        cost: The parts of the cost.
    """
    right = _of_h(cost, H_SMALL if _is_by_small_theta(run) else H) if _is_by_theta(run) else _of_cases(run, cost)
    if cost.lam:
        right = Formula(f"{right.text} + {_penalty(run, cost).text}", f"{right.latex} + {_penalty(run, cost).latex}")
    left = Formula(cost.letter, latex(cost.letter))
    total = value_of(cost.data + cost.penalty)
    if cost.lam:
        both = f"{number(cost.data)} + {number(cost.penalty)}"
        total = Formula(f"{EQUAL.text}{both} {total.text}", f"{EQUAL.latex}{both.replace('−', '-')}{total.latex}")
    line = Formula(f"{left.text} = {right.text}", f"{left.latex} &= {right.latex}")
    return Formulas([line], [cost.data + cost.penalty], [total])


def _is_by_theta(run: ForwardPass) -> bool:
    """Whether the cost is written as J(Θ) of h_Θ: in CS60050, and where no text was named."""
    return run.names is None or run.names.notation == "cs60050"


def _is_by_small_theta(run: ForwardPass) -> bool:
    """Whether it is CS60050's logistic regression, whose cost is J(θ) of h_θ."""
    return run.names is not None and is_lone_unit(run)


def _of_h(cost: CostParts, of_one: Formula) -> Formula:
    """The mean loss in h_Θ(x_i) and y_ik, as CS60050 writes it; cost(x_i) for a loss that it has no formula for."""
    name = getattr(underlying(cost.loss), "__name__", "")
    several = cost.outputs > 1
    h, y = (H_K, Formula("y_ik", "y_{ik}")) if several else (of_one, Formula("y_i", "y_{i}"))
    sums = Formula("Σ_i Σ_k", r"\sum_{i=1}^{n} \sum_{k=1}^{K}") if several else Formula("Σ_i", r"\sum_{i=1}^{n}")
    sign, below, above = "", "n" if cost.mean else "", "1"
    if name in SQUARES:
        term = Formula(f"({h.text} − {y.text})²", rf"\left({h.latex} - {y.latex}\right)^{{2}}")
        below = f"{'2' * (name in HALVES)}{below}{'K' * (several and _over_outputs(cost.loss))}"
    elif name == "cross_entropy" or name in OF_SIGMOIDS:
        log = "log " if several else "log"
        text, tex = f"{y.text} {log}{h.text}", rf"{y.latex} \log {h.latex}"
        if not several:
            text = f"{y.text} log({h.text})"
        sign, term = "−", Formula(text, tex)
        if name in OF_SIGMOIDS:
            below += "K" * (several and _over_outputs(cost.loss))
            term = Formula(
                f"({text} + (1 − {y.text}) log(1 − {h.text}))",
                rf"\left({tex} + \left(1 - {y.latex}\right) \log\left(1 - {h.latex}\right)\right)",
            )
    else:
        sums, term = Formula("Σ_i", r"\sum_{i=1}^{n}"), Formula("cost(x_i)", r"\mathrm{cost}(x_{i})")
    total = Formula(f"{sums.text} {term.text}", rf"{sums.latex} {term.latex}")
    whole = side_by_side([_share(above, below), total]) if below else total
    return Formula(f"{sign}{whole.text}", f"{sign.replace('−', '-')}{whole.latex}")


def _over_outputs(loss: Any) -> bool:
    """Whether the loss of one case is a mean over its outputs."""
    chosen = None
    while isinstance(loss, partial):
        chosen = chosen or loss.keywords.get("reduction")
        loss = loss.func
    return chosen == "mean" or (chosen is None and takes_mean_of_outputs(loss))


def _share(above: str, below: str) -> Formula:
    """A fraction, its denominator in brackets if it is a product: 1/n, 1/(2n)."""
    under = below if len(below) == 1 else f"({below})"
    tex = above.replace("λ", r"\lambda")
    return Formula(f"{above}/{under}" if below else above, rf"\frac{{{tex}}}{{{below}}}" if below else tex)


def _of_cases(run: ForwardPass, cost: CostParts) -> Formula:
    """The mean, or the sum, of the loss of one case in the letters of the text."""
    total = EACH if run.names is None else SUMS_OF_CASES.get(run.names.notation, EACH)
    target = cost.target
    if isinstance(target, int) and run.of_scores and cost.outputs > 1:  # a class index, different for each case
        target = [float(k == target) for k in range(cost.outputs)]
    one = loss_formula(run, (cost.loss, target))
    plain = Formula(one.text.removeprefix("−"), one.latex.removeprefix("-"))
    negative = one.text.startswith("−") and in_product(plain, alone=False) == plain
    one = plain if negative else in_product(one, alone=False)
    whole = Formula(f"{total.text} {one.text}", f"{total.latex} {one.latex}")
    if cost.mean:
        whole = side_by_side([_share("1", letter_of_cases(run.names)), whole])
    return Formula(f"−{whole.text}", f"-{whole.latex}") if negative else whole


def _penalty(run: ForwardPass, cost: CostParts) -> Formula:
    """λ/(2n) times the sum of all squared weights, without biases."""
    theta = _is_by_theta(run)
    n = ("n" if run.names is None else letter_of_cases(run.names)) * cost.mean
    squares = Formula("Σ_w w²", r"\sum_{w} w^{2}")
    if theta and _is_by_small_theta(run):
        squares = Formula("Σ_j θ_j²", r"\sum_{j=1}^{d} \theta_{j}^{2}")
    elif theta:
        squares = Formula(
            "Σ_l Σ_i Σ_j (Θ_ji^(l))²",
            r"\sum_{l=1}^{L-1} \sum_{i=1}^{s_{l}} \sum_{j=1}^{s_{l+1}} \left(\Theta_{ji}^{(l)}\right)^{2}",
        )
    return side_by_side([_share("λ", f"2{n}"), squares])
