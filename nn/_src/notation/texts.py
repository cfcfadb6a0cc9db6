"""The names that five texts give to layers, units, sums, signals, weights and Jacobians, from one function.

`notation="downing"`, "downing-first", "dolhansky", "lecture", "lecture-first", "cs60050", "cs60050-first" or "ling3804"
of `nn.forward_pass`, `nn.error_signals`, `nn.layer_jacobian`, `nn.weight_jacobian` and `nn.chain` has its names, and
its order of a weight's indices:

| notation      | sum     | activation | signal    | weight                   | derivative |
|---------------|---------|------------|-----------|--------------------------|------------|
| downing       | sum(y_j)| y_j, z_k   | δ         | v_ij, from i to j        | J_Y^Z      |
| downing-first | sum_id  | x_id, o_id | δ_id      | w_ij, to i from j        | ∂E_d/∂w_ij |
| dolhansky     | s_j     | z_j        | δ_j       | w_i→j                    | ∂E/∂s_j    |
| lecture       | z_i     | a_i        | ∂f/∂z_i   | W_i, to row, from column | ∂f/∂W_i    |
| lecture-first | z_i     | a_i        | g_i       | W_i, to row, from column | ∂ℓ/∂W_i    |
| cs60050       | z^(l)   | a^(l)      | δ^(l)     | Θ_ji^(l), to j from i    | D^(l)      |
| cs60050-first | z^(l)   | a^(l)      | ∂L/∂z^(l) | w_jk^(l), to j from k    | ∂L/∂W^(l)  |
| ling3804      | x′      | a′         | e′        | w_i,j, to i from j       | ∂a′/∂a     |

The lecture has biases within its activation b; here they belong to sums, and are called b_i,j. Downing's S and R, the
sums of layers Z and Y, are good names, too, and s_1 and r_1 for one of them. LING3804 counts primes of errors from the
top down (e, e′, e″), and in its 6.3 those of w, too; those of layers, and of w here, count up.

Names may be typed by a keyboard's letters: ' for ′, Theta, delta, yhat, ->, a^2_1 or a_1^2 for a_1^(2).

Layers are also called as pictures call them, "layer 4" or "layer Y", and targets by the letter that formulas have for
them: `run["y_1"]`, Downing's `run["t_5d"]`. Downing's d may be left out, and an input be called o, "o_1" for "x_1d", as
his Δw_ij = −η δ_id o_jd has it. Dolhansky's in_j is s_j, his ŷ_i and y_i are ŷ and y, and w_1, w_2, w_3 the weights of
one path. The lecture's last layer is its d-th: W_d, g_d, a_{d−1}; its y^true is y.

Three texts have names for each of their halves. Downing's first, up to "backwards in high heels" ("downing-first"), is
one training case d, and numbers nodes. His formulas say of no number to which layer it belongs; as he sums over "all
nodes j that feed into i", whichever they are, nodes are counted through the network here, inputs first: x_1d, x_2d,
then o_3d, o_4d, o_5d. So w_53 leads to node 5 from node 3, and t_5d is the target of o_5d. A bias is w_i0; the weight
of what is no such node, but made of some between layers, has its place ("w_5,in1"). δ_id is ∂E_d/∂sum_id, his second δ:
the first is t − o. He has no names for layers as wholes; they are o^(1), o^(2), ..., with sum^(k), δ^(k) and w^(k), and
without the number in a network of one layer.

The lecture's first half is the deep linear network ("lecture-first"): a_0 = x, a_i = W_i a_{i−1} and, backwards,
g_i = W_{i+1}ᵀ g_{i+1}; ∂ℓ/∂W_i = g_i a_{i−1}ᵀ, where it prints a_i. Where layers have activation functions, z_i is what
W_i gives, as in the second half, and g_i the gradient there; in linear layers z_i = a_i. (On one line of the first half
z_d is the *input* of layer d, which is a_{d−1}.)

CS60050 has two, too: in its second half Θ^(l) leads from layer l to layer l + 1, a^(1) is the input, and biases are
column 0 of Θ, from a unit a_0 that is 1 ("cs60050"). L is the number of layers there; the loss of one case is its cost,
that of all is J(Θ), and Δ is the sum of gradients over the cases. In its first half W^(l) and b^(l) lead to layer l,
a^(0) is the input, L is the loss, too, and that of all cases is J(θ) ("cs60050-first"). Between the two is logistic
regression, which a lone `nn.Neuron` is, or an `nn.Layer` of one unit: z = w x + b and a = σ(z), with dz, dw and db for
the derivatives of L. In the letters of the second half it is h_θ(x) = σ(z) and z = θᵀ x with x_0 = 1, and J(θ).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PRIMES = ("", "′", "″", "‴")
MIDDLE = "jklmnpqrtuv"  # Dolhansky's hidden units; o is an output


class Text(NamedTuple):
    """A textbook's notation: functions that name unit j of n in layer k of d, from 1 on; layer 0 are the inputs."""

    order: str
    heads: tuple[str, ...]
    loss: str
    layer: Callable[[int, int], str]
    sums: Callable[[int, int], str]
    unit: Callable[[int, int, int, int], str]
    sum: Callable[[int, int, int, int], str]
    signal: Callable[[int, int, int, int], str]
    signals: Callable[[int, int], str]
    weights: Callable[[int, int], str]
    weight: Callable[[int, int, int, int, int, int], str]  # layer, depth, to, how many, from, how many
    bias: Callable[[int, int, int, int], str]
    rule: str  # the recursion of error signals
    # The same if that does not hold: the unit feeds something else than the units summed over, such as the sum of two
    # layers' activations. With the head of the column for the derivative at an output.
    rule_by_outputs: str
    head_by_outputs: str
    rule_if_linear: str = ""  # the recursion where every unit is linear, if it is written otherwise there
    by_layers: bool = False  # whether the recursion is a product with one layer's weights, and steps are W ← W − η ...
    product: str = ""  # the derivative with respect to weights, of one case: the signal times what came in
    other_loss: str = ""  # another name of the loss
    loss_of_all: str = ""  # that of all cases, if it has another
    target: str = "y"
    rate: str = "η"  # its letter for the learning rate
    adds_cases: bool = False  # whether a batch is a sum over its cases, not their mean
    layer_biases: Callable[[int], str] | None = None  # those of layer k, where the text has a name for them
    biases: bool = False  # whether they are column 0 of the weights
    by_outputs: bool = False  # whether slopes are written by what a function gave: o(1 − o)
    slope: Callable[[int], str] = lambda k: "f′"  # of the activation of layer k, where it has no formula
    through: bool = False  # whether nodes are counted through the network, inputs first, not in each layer anew
    box: Callable[[int, int], str] = lambda k, d: f"layer {k}"  # around a layer, in pictures
    units: str = "unit"  # its word for one
    weight_first: bool = True  # whether its recursion has w δ, not δ w
    slope_first: int = 0  # of how many terms on it has the slope before their sum; 0: behind it


def _letter(k: int, d: int) -> str:
    """Downing: layers X, Y and Z; with more hidden layers Y1, Y2, ..."""
    if k == d:
        return "Z"
    if d == 1:
        return "Y"
    return "X" if k == 0 else "Y" if d == 2 else f"Y{k}"


def _matrix(k: int, d: int) -> str:
    return "W" if k == d and d < 3 else "V" if d == 2 else f"W{k}"


def _node(k: int, d: int, j: int, n: int) -> str:
    """Dolhansky: i, j, k, ..., o, with a number where there are several."""
    letter = _hidden(k) if 0 < k < d else "i" if k == 0 else "o"
    return letter if n == 1 else f"{letter}{j}" if len(letter) == 1 else f"{letter},{j}"


def _hidden(k: int) -> str:
    """Dolhansky's letter for a hidden layer; his alphabet has eleven, and those after it are numbered."""
    return MIDDLE[k - 1] if k <= len(MIDDLE) else f"h{k}"


def pair(a: int, b: int, m: int, n: int) -> str:
    """Two indices, with a comma if one of them may have two digits."""
    return f"{a}{b}" if max(m, n) < 10 else f"{a},{b}"


def _primes(k: int) -> str:
    return PRIMES[k] if k < len(PRIMES) else f"^({k})"


def _of_layer(letter: str, k: int, d: int) -> str:
    """What a text without names for layers has for all nodes of one of them."""
    return letter if d == 1 else f"{letter}^({k})"


TEXTS = {
    "downing": Text(
        "from_to", ("node", "sum", "o", "∂o/∂sum", "∂L/∂o", "δ"), "L",
        layer=_letter,
        sums=lambda k, d: f"sum({_letter(k, d)})",
        unit=lambda k, d, j, n: f"{_letter(k, d).lower()}_{j}",
        sum=lambda k, d, j, n: f"sum({_letter(k, d).lower()}_{j})",
        signal=lambda k, d, j, n: f"δ({_letter(k, d).lower()}_{j})",
        signals=lambda k, d: f"δ({_letter(k, d)})",
        weights=_matrix,
        weight=lambda k, d, j, n, i, m: f"{_matrix(k, d).lower()}_{pair(i, j, m, n)}",
        bias=lambda k, d, j, n: f"{_matrix(k, d).lower()}_{pair(0, j, 0, n)}",
        by_outputs=True,
        slope_first=1,
        box=lambda k, d: f"layer {_letter(k, d)}",
        units="node",
        rule="δ = ∂o/∂sum · ∂L/∂o, ∂L/∂o = Σ w δ",
        rule_by_outputs="δ = ∂o/∂sum · ∂L/∂o",
        head_by_outputs="∂L/∂o",
        product="δ o",
        other_loss="E",
        adds_cases=True,
        target="t",
    ),
    "downing-first": Text(
        "to_from", ("node", "sum", "o", "∂o/∂sum", "Σ w δ", "δ"), "E_d",
        layer=lambda k, d: _of_layer("o", k, d) if k else "x",
        sums=lambda k, d: _of_layer("sum", k, d),
        unit=lambda k, d, j, n: f"{'o' if k else 'x'}_{j}d",
        sum=lambda k, d, j, n: f"sum_{j}d",
        signal=lambda k, d, j, n: f"δ_{j}d",
        signals=lambda k, d: _of_layer("δ", k, d),
        weights=lambda k, d: _of_layer("w", k, d),
        weight=lambda k, d, j, n, i, m: f"w_{pair(j, i, j, i)}",
        bias=lambda k, d, j, n: f"w_{pair(j, 0, j, 0)}",
        by_outputs=True,
        slope_first=1,
        through=True,
        slope=lambda k: "f_T′",
        units="node",
        rule="δ_jd = ∂o_jd/∂sum_jd Σ_k w_kj δ_kd",
        rule_by_outputs="δ_jd = ∂o_jd/∂sum_jd ∂E_d/∂o_jd",
        head_by_outputs="∂E_d/∂o",
        product="δ o",
        other_loss="E",
        loss_of_all="E",
        adds_cases=True,
        target="t",
    ),
    "dolhansky": Text(
        "from_to", ("unit", "s", "z", "f′(s)", "Σ δ w", "δ"), "E",
        layer=lambda k, d: "x" if k == 0 else "ŷ" if k == d else f"z_{_hidden(k)}",
        sums=lambda k, d: f"s_{'o' if k == d else _hidden(k)}",
        unit=lambda k, d, j, n: (
            "ŷ" if k == d and n == 1 else f"{'x' if k == 0 else 'z' if k < d else 'ŷ'}_{_node(k, d, j, n)}"
        ),
        sum=lambda k, d, j, n: f"s_{_node(k, d, j, n)}",
        signal=lambda k, d, j, n: f"δ_{_node(k, d, j, n)}",
        signals=lambda k, d: f"δ_{_node(k, d, 1, 1)}",
        weights=lambda k, d: f"w_{_node(k - 1, d, 1, 1)}→{_node(k, d, 1, 1)}",
        weight=lambda k, d, j, n, i, m: f"w_{_node(k - 1, d, i, m)}→{_node(k, d, j, n)}",
        bias=lambda k, d, j, n: f"b_{_node(k, d, j, n)}",
        weight_first=False,
        slope_first=2,
        rule="δ_j = f′(s_j) Σ_k δ_k w_j→k",
        rule_by_outputs="δ_j = f′(s_j) ∂E/∂z_j",
        head_by_outputs="∂E/∂z",
        product="δ z",
    ),
    "lecture": Text(
        "to_from", ("signal", "z_i", "a_{i+1}", "b′_{i+1}(z_i)", "Wᵀ ∂f/∂z_{i+1}", "∂f/∂z_i"), "f",
        layer=lambda k, d: f"a_{k + 1}",
        sums=lambda k, d: f"z_{k}",
        unit=lambda k, d, j, n: f"a_{k + 1},{j}",
        sum=lambda k, d, j, n: f"z_{k},{j}",
        signal=lambda k, d, j, n: f"∂f/∂z_{k},{j}",
        signals=lambda k, d: f"∂f/∂z_{k}",
        weights=lambda k, d: f"W_{k}",
        weight=lambda k, d, j, n, i, m: f"W_{k},{j},{i}",
        bias=lambda k, d, j, n: f"b_{k},{j}",
        slope=lambda k: f"b′_{k + 1}",
        box=lambda k, d: f"layer {k + 1}",  # whose output is a_{k+1}
        rule="∂f/∂z_i = (W_{i+1}ᵀ ∂f/∂z_{i+1}) ⊙ b′_{i+1}(z_i)",
        rule_by_outputs="∂f/∂z_i = ∂f/∂a_{i+1} ⊙ b′_{i+1}(z_i)",
        head_by_outputs="∂f/∂a_{i+1}",
        by_layers=True,
        product="∂f/∂z · aᵀ",
        layer_biases="b_{}".format,
    ),
    "lecture-first": Text(
        "to_from", ("signal", "z_i", "a_i", "b′_i(z_i)", "Wᵀ g_{i+1}", "g_i"), "ℓ",
        layer=lambda k, d: f"a_{k}",
        sums=lambda k, d: f"z_{k}",
        unit=lambda k, d, j, n: f"a_{k},{j}",
        sum=lambda k, d, j, n: f"z_{k},{j}",
        signal=lambda k, d, j, n: f"g_{k},{j}",
        signals=lambda k, d: f"g_{k}",
        weights=lambda k, d: f"W_{k}",
        weight=lambda k, d, j, n, i, m: f"W_{k},{j},{i}",
        bias=lambda k, d, j, n: f"b_{k},{j}",
        slope=lambda k: f"b′_{k}",
        rule="g_i = (W_{i+1}ᵀ g_{i+1}) ⊙ b′_i(z_i)",
        rule_by_outputs="g_i = ∂ℓ/∂a_i ⊙ b′_i(z_i)",
        head_by_outputs="∂ℓ/∂a_i",
        rule_if_linear="g_i = W_{i+1}ᵀ g_{i+1}",
        by_layers=True,
        product="g aᵀ",
        other_loss="L",
        layer_biases="b_{}".format,
    ),
    "cs60050": Text(
        "to_from", ("node", "z", "a", "g′(z)", "Θᵀ δ", "δ"), "cost",
        layer=lambda k, d: f"a^({k + 1})",
        sums=lambda k, d: f"z^({k + 1})",
        unit=lambda k, d, j, n: f"a_{j}^({k + 1})",
        sum=lambda k, d, j, n: f"z_{j}^({k + 1})",
        signal=lambda k, d, j, n: f"δ_{j}^({k + 1})",
        signals=lambda k, d: f"δ^({k + 1})",
        weights=lambda k, d: f"Θ^({k})",
        weight=lambda k, d, j, n, i, m: f"Θ_{pair(j, i, m, n)}^({k})",
        bias=lambda k, d, j, n: f"Θ_{pair(j, 0, 0, n)}^({k})",
        biases=True,
        by_outputs=True,
        slope=lambda k: "g′",
        box=lambda k, d: f"layer {k + 1}",
        units="node",
        rule="δ^(l) = ((Θ^(l))ᵀ δ^(l+1), without its row 0) ⊙ g′(z^(l))",
        rule_by_outputs="δ^(l) = ∂cost/∂a^(l) ⊙ g′(z^(l))",
        head_by_outputs="∂cost/∂a",
        by_layers=True,
        other_loss="L",
        loss_of_all="J(Θ)",
        rate="α",
    ),
    "cs60050-first": Text(
        "to_from", ("signal", "z", "a", "g′(z)", "Wᵀ ∂L/∂z", "∂L/∂z"), "L",
        layer=lambda k, d: f"a^({k})",
        sums=lambda k, d: f"z^({k})",
        unit=lambda k, d, j, n: f"a_{j}^({k})",
        sum=lambda k, d, j, n: f"z_{j}^({k})",
        signal=lambda k, d, j, n: f"∂L/∂z_{j}^({k})",
        signals=lambda k, d: f"∂L/∂z^({k})",
        weights=lambda k, d: f"W^({k})",
        weight=lambda k, d, j, n, i, m: f"w_{pair(j, i, m, n)}^({k})",
        bias=lambda k, d, j, n: f"b_{j}^({k})",
        by_outputs=True,
        slope=lambda k: "g′",
        units="neuron",
        rule="∂L/∂z^(l) = ((W^(l+1))ᵀ ∂L/∂z^(l+1)) ⊙ g′(z^(l))",
        rule_by_outputs="∂L/∂z^(l) = ∂L/∂a^(l) ⊙ g′(z^(l))",
        head_by_outputs="∂L/∂a",
        by_layers=True,
        product="∂L/∂z · aᵀ",
        loss_of_all="J(θ)",
        layer_biases="b^({})".format,
        rate="α",
    ),
    "ling3804": Text(
        "to_from", ("neuron", "x", "a", "f′(x)", "e w", "e"), "error",
        layer=lambda k, d: f"a{_primes(k)}",
        sums=lambda k, d: f"x{_primes(k)}",
        unit=lambda k, d, j, n: f"a{_primes(k)}_{j}",
        sum=lambda k, d, j, n: f"x{_primes(k)}_{j}",
        signal=lambda k, d, j, n: f"e{_primes(d - k)}_{j}",  # the first error is that at the top
        signals=lambda k, d: f"e{_primes(d - k)}",
        weights=lambda k, d: f"w{_primes(k - 1)}",
        weight=lambda k, d, j, n, i, m: f"w{_primes(k - 1)}_{j},{i}",
        bias=lambda k, d, j, n: f"b{_primes(k - 1)}_{j}",
        weight_first=False,
        box=lambda k, d: f"layer a{_primes(k)}",
        units="neuron",
        rule="e′_i = (Σ_j e_j w_j,i) f′(x_i), one prime more at each layer down",
        rule_by_outputs="e′_i = ∂error/∂a_i · f′(x_i), one prime more at each layer down",
        head_by_outputs="∂error/∂a",
        product="eᵀ aᵀ",
        layer_biases=lambda k: f"b{_primes(k - 1)}",
    ),
}  # fmt: skip
NOTATIONS = tuple(TEXTS)
