"""Forward and backward pass as matrix formulas of whole layers: z = W a + b, δ = Wᵀ δ ⊙ g′(z), with shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import StructureError, grad_of

from ..analysis.signal_formulas import derivative_to, over, side_by_side, sum_of
from ..notation.latex import latex
from ..support.formulas import Formula, Formulas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..analysis.layers_by_name import ForwardPass, Unit
    from ..analysis.signal_formulas import Top

Shape = tuple[int, int]
ODOT = Formula(" ⊙ ", r" \odot ")


class _Layer(NamedTuple):
    """The letters of a layer: its weights, their inputs, the weighted sums, the activations and the error signal."""

    name: str
    units: tuple[Unit, ...]
    weights: Formula
    entering: Formula
    sums: Formula
    output: Formula
    signal: Formula
    bias: Formula | None
    letter: str  # of the activation; "" for the identity
    added: str  # the note that a constant input 1 for the bias has been added
    n: int  # number of inputs
    m: int  # number of units


def forward_matrices(run: ForwardPass, asked: tuple[Any, Any] | None) -> Formulas:  # noqa: ARG001  as the others
    """Two lines for each layer, its sums and its activations."""
    lines: list[tuple[Formula, Any, Formula]] = []
    rows = _is_in_rows(run)

    def shape_of(numbers: Sequence[Any]) -> str:
        return _shape((1, len(numbers)) if rows else (len(numbers), 1))

    for layer in _layers(run):
        n = layer.n + bool(layer.added)
        factors, shapes = [layer.weights, layer.entering], [(layer.m, n), (n, 1)]
        if rows:
            factors, shapes = factors[::-1], [(1, n), (n, layer.m)]
        right, of = side_by_side(factors), " ".join(map(_shape, shapes))
        size = shape_of(layer.units)
        if layer.bias is not None:
            right = sum_of([right, layer.bias])
            of += f" + {size}"
        numbers = [unit.sum.data for unit in layer.units]
        lines.append((_equals(layer.sums, right), numbers, _beside(f"{size} = {of}{layer.added}")))
        if layer.output.text != layer.sums.text:
            after = layer.sums if not layer.letter else _of(layer.letter, layer.sums)
            lines.append((_equals(layer.output, after), [u.output.data for u in layer.units], _beside(size)))
    called = run.names
    if run.of_scores:
        last = list(run.layers)[-1]
        name = "softmax" if run.of_scores[0].op == "softmax" else "σ"
        left = _named(called, f"activation {last}")
        right = _of(name, _sums(run, last))
        lines.append((_equals(left, right), [a.data for a in run.of_scores], _beside(shape_of(run.of_scores))))
    for end in run.ends.values():
        if end.name == "softmax":
            before = _sums(run, list(run.layers)[-1]) if run.layers else _named(called, "inputs")
            if run.layers and called is not None and called(list(run.layers)[-1]) != before.text:
                before = _named(called, list(run.layers)[-1])
            line = _equals(_named(called, end.name), _of("softmax", before))
            lines.append((line, [y.data for y in end.nodes], _beside(shape_of(end.nodes))))
    return _made(lines)


def backward_matrices(run: ForwardPass, tops: Mapping[str, Top], *, recursion: bool) -> Formulas:
    """Two lines for each layer, from the last to the first: its error signal, and the gradient of its weights.

    Args:
        run: The forward pass, with a loss.
        tops: For each unit of the last layer, the derivative of the loss, in letters.
        recursion: Whether the units of each layer feed the next layer only, so that δ = Wᵀ δ holds.
    """
    assert run.loss is not None
    layers, rows = _layers(run), _is_in_rows(run)
    errors_in_rows = rows or (run.names is not None and run.names.notation == "ling3804")
    loss = "E" if run.names is None else run.names.loss
    lines: list[tuple[Formula, Any, Formula]] = []
    above: _Layer | None = None
    for layer in reversed(layers):
        size = (1, layer.m) if errors_in_rows else (layer.m, 1)
        right, shapes = _signal(run, layer, above, tops, loss, size, recursion=recursion)
        signal = grad_of(run.loss, [unit.sum for unit in layer.units])
        if right.text == layer.signal.text:
            right, shapes = over(loss, layer.output), _shape(size)
        said = shapes if shapes == _shape(size) else f"{_shape(size)} = {shapes}"
        lines.append((_equals(layer.signal, right), signal, _beside(said)))
        to_weights = derivative_to(run.names, layer.weights)
        lines.append(_to_weights(layer, signal, to_weights, rows=rows, errors_in_rows=errors_in_rows))
        above = layer
    return _made(lines)


def _signal(
    run: ForwardPass, layer: _Layer, above: _Layer | None, tops: Mapping[str, Top], loss: str, size: Shape, *,
    recursion: bool,
) -> tuple[Formula, str]:
    """The right side of a layer's error signal, and its shapes."""
    called, own = run.names, _shape(size)
    slope = _slope(run, layer)
    if any(unit.is_share for unit in layer.units):
        return over(loss, layer.sums), own
    if above is not None and recursion:
        if above.added:
            inside = Formula(
                f"({_transposed(above.weights).text} {above.signal.text}, without its row 0)",
                rf"\left({_transposed(above.weights).latex} \, {above.signal.latex}\right)_{{\text{{without row 0}}}}",
            )
            shapes = f"({_shape((layer.m + 1, above.m))} {_shape((above.m, 1))}, without its row 0)"
        else:
            factors, each = [_transposed(above.weights), above.signal], [(layer.m, above.m), (above.m, 1)]
            if called is not None and called.notation == "ling3804":
                factors, each = [above.signal, above.weights], [(1, above.m), (above.m, layer.m)]
            elif size[0] == 1 and _is_in_rows(run):
                factors, each = factors[::-1], [(1, above.m), (above.m, layer.m)]
            inside, shapes = side_by_side(factors), " ".join(map(_shape, each))
            if slope is not None:
                inside, shapes = Formula(f"({inside.text})", rf"\left({inside.latex}\right)"), f"({shapes})"
    else:
        short, to_sum = _top(run, layer, tops)
        inside, shapes = short or over(loss, layer.output), own
        if to_sum:
            return inside, own
        if slope is not None and short is not None:
            inside = Formula(f"({inside.text})", rf"\left({inside.latex}\right)")
    if slope is None:
        return inside, shapes
    return Formula(*(f"{a}{o}{b}" for a, o, b in zip(inside, ODOT, slope, strict=True))), f"{shapes} ⊙ {own}"


def _top(run: ForwardPass, layer: _Layer, tops: Mapping[str, Top]) -> tuple[Formula | None, bool]:
    """a − y for the whole last layer, if the loss has that derivative at each unit; and whether that is at the sums."""
    called = run.names
    if called is None or not tops:
        return None, False
    n = len(layer.units)
    targets = [called.target_of(k, n) for k in range(1, n + 1)]
    after = run.ends[run.last]
    if run.of_scores:
        labels = [called(f"activation {u.name}") for u in layer.units]
        whole = _named(called, f"activation {layer.name}")
    elif run.last in run.layers:
        labels, whole = [called(u.name) for u in layer.units], layer.output
    else:
        labels, whole = [called(label) for label in after.labels], _named(called, run.last)
    if len(labels) != n:
        return None, False
    for to_sum in (True, False):
        found = [tops.get(unit.name) for unit in layer.units]
        texts = [top and (top.to_sum if to_sum else top.to_output) for top in found]
        plain = [f"{a} − {y}" for a, y in zip(labels, targets, strict=True)]
        front = _shared_front([text.text if text else "" for text in texts], plain)
        if front is not None:
            letter = called.target
            is_sum = to_sum or all(unit.output is unit.sum for unit in layer.units)
            error = Formula(f"{whole.text} − {letter}", f"{whole.latex} - {latex(letter)}")
            if front:
                shared = texts[0].latex.partition(r"\left(")[0] if texts[0] else ""
                error = Formula(f"{front}({error.text})", rf"{shared}\left({error.latex}\right)")
            return error, is_sum
    return None, False


def _shared_front(texts: list[str], plain: list[str]) -> str | None:
    """The common prefix before a − y in all of these formulas, such as "½ "; None if they have another form."""
    if texts == plain:
        return ""
    fronts = {text.removesuffix(f"({error})") for text, error in zip(texts, plain, strict=True)}
    ends = all(text.endswith(f"({error})") for text, error in zip(texts, plain, strict=True))
    return fronts.pop() if ends and len(fronts) == 1 else None


def _to_weights(
    layer: _Layer, signal: list[float], to_weights: Formula, *, rows: bool, errors_in_rows: bool
) -> tuple[Formula, Any, Formula]:
    """The gradient of a layer's weights: δ aᵀ, or for row vectors xᵀ δ."""
    n = layer.n + bool(layer.added)
    shape = (n, layer.m) if rows else (layer.m, n)
    if rows:
        right, shapes = side_by_side([_transposed(layer.entering), layer.signal]), [(n, 1), (1, layer.m)]
    else:
        error = _transposed(layer.signal) if errors_in_rows else layer.signal
        right, shapes = side_by_side([error, _transposed(layer.entering)]), [(layer.m, 1), (1, n)]
    came = [1.0] * bool(layer.added) + [x.data for x in layer.units[0].inputs]
    numbers = [[x * d for d in signal] for x in came] if rows else [[d * x for x in came] for d in signal]
    said = f"{_shape(shape)} = {' '.join(map(_shape, shapes))}{layer.added}"
    return _equals(to_weights, right), numbers, _beside(said)


def _is_in_rows(run: ForwardPass) -> bool:
    """Whether the text writes layers as row vectors, so that weight w_ij leads from row i to column j."""
    return run.names is not None and run.names.order == "from_to"


def _layers(run: ForwardPass) -> list[_Layer]:
    """The letters of all layers.

    Raises:
        StructureError: Units of one layer have different inputs, so that their weights are no matrix.
    """
    called, found = run.names, []
    for k, (name, units) in enumerate(run.layers.items()):
        inputs = list(map(id, units[0].inputs))
        if any(list(map(id, unit.inputs)) != inputs for unit in units):
            msg = f"matrix_formulas: expected the units of {name} to have the same inputs, so that weights are a matrix"
            raise StructureError(msg)
        before = [end.name for end in run.ends.values() if list(map(id, end.nodes)) == inputs]
        entering = _named(called, before[-1]) if before else Formula(f"inputs of {name}", rf"\text{{inputs of {name}}}")
        biased = units[0].bias is not None
        in_weights = called is not None and called.biases
        one = f", with {called(f'1 into {name}')} = 1" if called is not None and in_weights and biased else ""
        found.append(
            _Layer(
                name, units, _named(called, f"weights of {name}"), entering, _sums(run, name), _named(called, name),
                _named(called, f"signal {name}"), _bias(run, name) if biased and not in_weights else None,
                _letter(run, name, k), one, len(inputs), len(units),
            )
        )  # fmt: skip
    return found


def _named(called: Any, own: str) -> Formula:
    """A name as the text has it; if no text was named, W(layer1), δ(layer1) or the library's own name."""
    if called is not None:
        text = called(own)
        return Formula(text, latex(text))
    kind, _, of = own.rpartition(" ")
    letters = {"weights of": ("W", "W"), "signal": ("δ", r"\delta")}.get(kind)
    if letters is None:
        return Formula(own, rf"\text{{{own}}}")
    return Formula(f"{letters[0]}({of})", rf"{letters[1]}_{{\text{{{of}}}}}")


def _sums(run: ForwardPass, layer: str) -> Formula:
    """The letter of a layer's weighted sums; in Downing's two-layer network S and R."""
    if run.names is not None and run.names.notation == "downing":
        other = [name for name, own in run.names.also.items() if own == f"sum({layer})"]
        if other:
            return Formula(other[0], other[0])
    return _named(run.names, f"sum({layer})")


def _bias(run: ForwardPass, layer: str) -> Formula:
    """The letter of a layer's biases; in Downing they are row 0 of its weights."""
    called = run.names
    if called is None:
        return Formula(f"b({layer})", rf"b_{{\text{{{layer}}}}}")
    own = f"biases of {layer}"
    if own in called.of:
        return _named(called, own)
    weights = called(f"weights of {layer}")
    if called.notation == "dolhansky":
        text = f"b{called(f'signal {layer}')[1:]}"
    else:
        letter, up, above = weights.lower().partition("^")
        text = f"{letter}_0{up}{above}"
    return Formula(text, latex(text))


def _letter(run: ForwardPass, layer: str, k: int) -> str:
    """The letter of a layer's activation; "" for the identity."""
    units = run.layers[layer]
    if all(unit.output is unit.sum for unit in units):
        return ""
    if any(unit.is_share for unit in units):
        return "softmax"
    sigmoids = all(unit.output.op == "sigmoid" for unit in units)
    if run.names is None or run.names.notation == "dolhansky":
        return "σ" if sigmoids else "f"
    if run.names.notation == "downing" and k == 0 and len(run.layers) == 2:
        return "g"  # Y = g(R), Z = f(S)
    return run.names(f"slope {units[0].name}").replace("′", "")


def _slope(run: ForwardPass, layer: _Layer) -> Formula | None:
    """g′(z); None for the identity."""
    if not layer.letter:
        return None
    head = layer.letter.partition("_")[0]
    own = "" if run.names is None else run.names(f"slope {layer.units[0].name}")
    text = own if "_" in layer.letter and own.replace("′", "") == layer.letter else f"{head}′"
    return Formula(f"{text}({layer.sums.text})", rf"{_latex_of(text)}\left({layer.sums.latex}\right)")


def _of(letter: str, part: Formula) -> Formula:
    return Formula(f"{letter}({part.text})", rf"{_latex_of(letter)}\left({part.latex}\right)")


def _latex_of(letter: str) -> str:
    return r"\operatorname{softmax}" if letter == "softmax" else latex(letter)


def _transposed(part: Formula) -> Formula:
    """Wᵀ; brackets around a letter with an exponent and around a quotient."""
    loose = any(c in part.text for c in "^/ (→")
    text = f"({part.text})ᵀ" if loose else f"{part.text}ᵀ"
    factor_form = rf"\left({part.latex}\right)" if loose or "'" in part.latex else part.latex
    return Formula(text, rf"{factor_form}^{{\mathsf{{T}}}}")


def _equals(left: Formula, right: Formula) -> Formula:
    return Formula(f"{left.text} = {right.text}", f"{left.latex} &= {right.latex}")


def _shape(shape: Shape) -> str:
    return f"({shape[0]} x {shape[1]})"


def _beside(said: str) -> Formula:
    """The shapes, as written beside a line."""
    words = said.replace(" x ", r" $\times$ ").replace("⊙", r"$\odot$").replace("_", r"\_").replace("^", r"\^{}")
    return Formula(said, rf" && \text{{{words}}}")


def _made(lines: list[tuple[Formula, Any, Formula]]) -> Formulas:
    return Formulas([line for line, _, _ in lines], [x for _, x, _ in lines], [said for _, _, said in lines])
