"""Attribute names of other libraries, and what to use instead here.

A name of a table below is no attribute: `hasattr` is false, reading it raises an `AttributeError` as usual, and
type checkers do not know it. Only the error's message is better: it says what to do. Descriptors cost nothing
until they are read; a `__getattr__` would slow down every attribute of a class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ...errors import SITE, NoAttributeError, OperandError
from ..wrong_calls import refuse_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGE = f"{SITE}/errors/index.html#value-object-has-no-attribute"

SUBCLASS = (
    "a Value has no room for attributes of yours. Keep them in a dict by node, as in {p: 0.0 for p in parameters}, or "
    "make a subclass, class Parameter(Value): pass, whose instances take any"
)
THERE = "a Value has .data, .grad, .label, .op, .parents, .local_grads and .scope"
READING = f"{THERE}; an attribute of your own needs a dict by node, or a subclass of Value"
FORMULA = f"{THERE}; ag.forward_steps(v) writes it out, each operation a formula, and ag.draw(v) draws it"


class Elsewhere:
    """A descriptor for a name that does not exist here.

    Args:
        hint: What to do instead of reading it.
    """

    def __init__(self, hint: str) -> None:
        self.hint = hint
        self.__doc__ = f"Not here: {hint}."

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        attributes = getattr(instance, "__dict__", {})  # a subclass may have any
        if self.name not in attributes:
            self._refuse(instance, owner, self.hint)
        return attributes[self.name]

    def _refuse(self, instance: Any, owner: type, hint: str) -> NoReturn:
        whose = f"type object {owner.__name__!r}" if instance is None else f"{owner.__name__!r} object"
        msg = f"{whose} has no attribute {self.name!r}: {hint}"
        error = NoAttributeError(msg, name=self.name)  # without obj, or Python would add a name that is spelt alike
        error.add_note(f"See {PAGE}")
        raise error


class NotToSet(Elsewhere):
    """The same on a class whose instances take no new attributes.

    Args:
        hint: What to do instead of reading it.
        setting: What to do instead of setting it.
    """

    def __init__(self, hint: str, setting: str = SUBCLASS) -> None:
        super().__init__(hint)
        self.setting = setting

    def __set__(self, instance: Any, value: Any) -> None:
        attributes = getattr(instance, "__dict__", None)
        if attributes is None:
            self._refuse(instance, type(instance), self.setting)
        attributes[self.name] = value

    def __delete__(self, instance: Any) -> None:
        attributes = getattr(instance, "__dict__", None)
        if attributes is None or self.name not in attributes:
            self._refuse(instance, type(instance), self.hint)
        del attributes[self.name]


def names_of(instance: object) -> list[str]:
    """The names that `dir` shows for an instance: none of the names above."""
    own = getattr(instance, "__dict__", {})
    bases = [vars(base) for base in type(instance).__mro__]

    def is_there(name: str) -> bool:
        return name in own or not isinstance(next((x[name] for x in bases if name in x), None), Elsewhere)

    return [name for name in object.__dir__(instance) if is_there(name)]


def unknown_name(module: str, name: str, hints: dict[str, str], names: Iterable[str]) -> AttributeError:
    """The error of a name that a module does not have.

    Python's own traceback adds a name that is spelt alike, where the error holds the module. Jupyter's does not, nor
    does Python where only upper and lower case differ, so it is found here.

    Args:
        module: The module's name.
        name: What was asked for.
        hints: What to say of names that other libraries have.
        names: Those that the module has.

    Returns:
        The error.
    """
    hint = hints.get(name, "")
    if not hint and not name.startswith("_"):  # what tools ask of any object takes no search
        from difflib import get_close_matches

        names = list(names)
        if near := get_close_matches(name.lower(), [there.lower() for there in names], 1):
            alike = [there for there in names if there.lower() == near[0]]
            hint = f"did you mean {get_close_matches(name, alike, 1, 0.0)[0]!r}?"
    return NoAttributeError(f"module {module!r} has no attribute {name!r}" + f": {hint}" * bool(hint), name=name)


_OPERANDS = "operations make nodes with operands, as in a + b; an operation of your own is an @ag.primitive"
_NAME = "a Value's name is its label="
ON_VALUE: dict[str, str] = {
    **dict.fromkeys(("_children", "children", "_prev", "parents", "_op", "op", "_backward"), _OPERANDS),
    **dict.fromkeys(("name", "_label", "lable"), _NAME),
    "grad": "it is 0.0 at birth; assign to .grad afterwards",
    "requires_grad": "every Value takes part in backward(), and plain numbers do not",
    "dtype": "a Value's number is a float, or stays a fractions.Fraction",
}


def refuse_at_birth(others: tuple[Any, ...], options: dict[str, Any], shown: Callable[[Any], str]) -> NoReturn:
    """Refuse what `Value` was given besides a number and `label=`.

    Args:
        others: Further arguments by position; micrograd's are operands and the operation's sign.
        options: Those by name.
        shown: How a message shows an argument.

    Raises:
        OperandError: Always.
    """
    if not others:
        refuse_options("Value", options, ON_VALUE)
    hint = _NAME if isinstance(others[0], str) else _OPERANDS
    msg = f"Value: expected one number, and label= by name; got {', '.join(map(shown, others))} besides: {hint}"
    raise OperandError(msg)


ON_BACKWARD = {
    "retain_graph": "the graph stays anyway, call backward() as often as you like",
    "create_graph": "ag.grad_of(output, inputs, create_graph=True) gives gradients that are graphs",
    "gradient": "the gradient that comes from above is the seed, backward(seed)",
    "inputs": "ag.grad_of(output, inputs) gives the gradients with respect to some nodes alone",
}
ON_CLIP = dict.fromkeys(("min", "a_min"), "the lower bound is low=")
ON_CLIP |= dict.fromkeys(("max", "a_max"), "the upper bound is high=") | {"out": "the result is a new one"}
ON_MLP = {
    "nonlin": 'it belongs to Neuron and Layer. Here activation= is that of all layers but the last; "linear" is none',
}
ON_COMPILE = dict.fromkeys(
    ("mode", "fullgraph", "dynamic", "backend", "jit", "static_argnums", "static_argnames"),
    "there is no such option; a number that is to stay as it is belongs into the function",
)
ON_OPTIMIZER = {
    **dict.fromkeys(("learning_rate", "eta", "alpha", "step_size"), "it is lr="),
    **dict.fromkeys(("beta", "beta1", "beta2"), "they are betas=(0.9, 0.999)"),
    **dict.fromkeys(("parameters", "model"), "it stands first, without a name: nn.Adam(model, lr=0.01)"),
    **dict.fromkeys(("clipnorm", "clip_norm", "max_grad_norm"), "nn.fit(..., max_grad_norm=1.0), or nn.clip_grad_norm"),
    "l2": "weight_decay=",
    "epsilon": "it is eps=",
}
ON_DRAW = {
    **dict.fromkeys(("format", "filename"), 'the ending of the file says it: ag.draw(y).save("y.png")'),
    "rankdir": 'it is direction="LR" or "TB"',
    "dark": 'it is theme="dark"',
    "depth": "fold= and unfold= say what is shown as one card",
}
ON_SAVE = {
    **dict.fromkeys(("dpi", "scale"), "pixels follow from the size, and the size from ag.draw(y, width=2000)"),
    **dict.fromkeys(
        ("width", "height", "style", "direction"), "a picture is drawn with it: ag.draw(y, width=2000).save(...)"
    ),
    "format": 'the ending of the file says it: save("y.png")',
    "bbox_inches": "a picture has no margins to cut",
}
_RATE = "the rate belongs to the optimizer, optimizer=nn.Adam(lr=0.01)"
ON_FIT = {
    "lr": _RATE,
    "learning_rate": _RATE,
    "validation_data": "they are validation=(X, y)",
    "validation_split": "the share is validation=0.2",
    "verbose": "the bar is progress=True or False",
    **dict.fromkeys(
        ("callbacks", "callback"),
        "early_stopping=nn.EarlyStopping(), watch=ag.Film(); or call fit with epochs=1 in a loop, with one optimizer",
    ),
    "metrics": "accuracy= takes a function of one prediction and its target",
    "criterion": "it is loss=",
    "random_state": "it is seed=",
    "weight_decay": "l2= of the loss, or nn.AdamW(weight_decay=0.01)",
    "clip_grad_norm": "it is max_grad_norm=",
}
ON_SPLIT = {
    "test_size": "the share to test on is test=0.25",
    "train_size": "test= is the share of the other cases",
    "random_state": "it is seed=",
    "shuffle": "cases are always shuffled; for the last ones in order, slice X and y",
}
SEED = "there is no global generator: seed= of a layer or a model, of nn.fit and of nn.train_test_split"
FREEZE = (
    "the optimizer gets the parameters that are to be trained, "
    "nn.Adam([p for layer in model.layers[1:] for p in layer.parameters()])"
)
ON_NN = {
    "load": "a model of the same layers reads its file: model.load(path)",
    "save": "a model writes its file: model.save(path)",
    "optim": "optimizers are here: nn.SGD, nn.Adam, nn.AdamW",
    "functional": "functions are here, such as nn.mse, and in autograd_core, such as ag.tanh",
    "Parameter": "a Value that is an attribute of a Module is a parameter",
    "Dense": "nn.Linear(nin, nout), or nn.Layer(nin, nout, activation)",
    "Conv1D": "nn.Conv1d",
    "Conv2D": "nn.Conv2d",
    "MSELoss": "a loss is a function: nn.mse",
    "L1Loss": "a loss is a function: nn.l1_loss",
    "CrossEntropyLoss": "a loss is a function: nn.cross_entropy",
    "NLLLoss": "a loss is a function: nn.nll_loss",
    "BCELoss": "a loss is a function: nn.binary_cross_entropy",
    "BCEWithLogitsLoss": "a loss is a function: nn.binary_cross_entropy_with_logits",
    "HuberLoss": "a loss is a function: nn.huber_loss",
    **dict.fromkeys(("mae", "MAE", "mean_absolute_error", "absolute_error"), "it is nn.l1_loss"),
    **dict.fromkeys(("mean_squared_error", "squared_error"), "it is nn.mse"),
    **dict.fromkeys(
        ("log_loss", "bce"), "it is nn.binary_cross_entropy; of scores, nn.binary_cross_entropy_with_logits"
    ),
    **dict.fromkeys(
        ("r2_score", "f1_score", "roc_auc_score", "precision_score", "recall_score", "accuracy_score"),
        "sklearn.metrics has it, of nn.predict or nn.predict_classes; nn.evaluate gives loss and accuracy",
    ),
    "LabelEncoder": "names = sorted(set(y)); y = [names.index(name) for name in y]",
    "DataLoader": "nn.fit(..., batch_size=20) makes batches",
    "lr_scheduler": "a schedule is the rate: nn.Adam(lr=nn.schedules.cosine(0.1, steps=100))",
    "accuracy": "nn.evaluate(model, X, y, loss=...).accuracy, and that of each epoch is History.accuracy",
    "manual_seed": SEED,
    "random_seed": SEED,
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm"),
        "there is none, as a model takes one row at a time; nn.StandardScaler scales the inputs",
    ),
}
_SKLEARN = "sklearn.datasets.{}(return_X_y=True) gives X and y, which nn.fit takes"
ON_DATASETS = {
    **dict.fromkeys(
        ("mnist", "MNIST", "load_mnist", "fashion_mnist", "FashionMNIST"),
        "nn.datasets.digits() has digits of 8 x 8 pixels, which suit a graph of scalars; "
        "sklearn.datasets.fetch_openml('mnist_784') has those of 28 x 28",
    ),
    **{name: _SKLEARN.format(f"load_{name.removeprefix('load_')}")
       for it in ("iris", "breast_cancer", "diabetes") for name in (it, f"load_{it}")},
    **dict.fromkeys(("california_housing", "boston", "load_boston"), _SKLEARN.format("fetch_california_housing")),
    "load_digits": "nn.datasets.digits", "load_wine": "nn.datasets.wine", "make_moons": "nn.datasets.moons",
    "make_circles": "sklearn.datasets.make_circles(100) gives X and y, which nn.fit takes",
    "make_blobs": "sklearn.datasets.make_blobs(100) gives X and y, which nn.fit takes",
}  # fmt: skip
ON_INIT = {
    **{name: f"nn.init.{made}" for made in ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal")
       for name in (f"{made}_", made.replace("xavier", "glorot"), made.replace("kaiming", "he"))
       if name != made},
    "uniform_": "nn.init.uniform", "normal_": "nn.init.normal", "constant_": "nn.init.constant",
    "zeros": "nn.init.constant(0.0)", "zeros_": "nn.init.constant(0.0)", "ones": "nn.init.constant(1.0)",
    "ones_": "nn.init.constant(1.0)", "calculate_gain": "nn.init.gain",
}  # fmt: skip
ON_SCHEDULES = {
    "StepLR": "nn.schedules.step", "ExponentialLR": "nn.schedules.exponential", "ConstantLR": "nn.schedules.constant",
    "LinearLR": "nn.schedules.linear", "CosineAnnealingLR": "nn.schedules.cosine",
    "exponential_decay": "nn.schedules.exponential", "cosine_decay": "nn.schedules.cosine",
    "LambdaLR": "any function from the number of steps to a rate is a schedule",
}  # fmt: skip
_OTHER_NAMES = {  # of what is here
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
    "fabs": "abs", "absolute": "abs", "rad2deg": "degrees", "deg2rad": "radians", "clamp": "clip",
    "fmax": "maximum", "fmin": "minimum", "amax": "max", "amin": "min", "reduce_sum": "sum", "reduce_mean": "mean",
    "expit": "sigmoid", "swish": "silu", "gammaln": "lgamma", "psi": "digamma", "lse": "logsumexp",
    "cdf": "normal_cdf", "pdf": "normal_pdf", "value_and_gradient": "value_and_grad",
    "elementwise_grad": "grad", "gradient": "grad", "derivative": "grad", "hessian_vector_product": "hvp",
    "make_hvp": "hvp", "make_vjp": "vjp", "make_jvp": "jvp",
}  # fmt: skip
_ROUNDING = "remainders and rounding are not differentiable here; ag.floor and ag.ceil are there"
_MATRICES = "ag.dot multiplies two sequences; of NumPy arrays of Values, A @ x is the product"
_NUMBER = "a number with a gradient is ag.Value(2.0); many are a list or a NumPy array of Values"
_POWER = "a power is x ** y"
ON_AG = {
    **dict.fromkeys(("Tensor", "tensor", "Variable", "Parameter", "Scalar", "array"), _NUMBER),
    **dict.fromkeys(("pow", "power"), _POWER),
    **dict.fromkeys(("add", "mul", "multiply", "sub", "subtract", "div", "divide", "neg", "negative"), "write + - * /"),
    **dict.fromkeys(
        ("numerical_gradient", "numerical_grad", "gradcheck", "check_gradient", "check_grads"),
        "autograd_core.testing.check_gradient(f, point) judges a derivative",
    ),
    **dict.fromkeys(("manual_seed", "random"), SEED),
    **dict.fromkeys(("jit", "vmap"), "ag.compile(f, *example_args, in_axes=...) does both"),
    **dict.fromkeys(("jacfwd", "jacrev"), 'ag.jacobian(f, mode="forward") or mode="reverse"'),
    **dict.fromkeys(("set_default_dtype", "float32"), 'Values are doubles; ag.compile(f, ..., dtype="float32")'),
    **dict.fromkeys(("cuda", "device"), "there are no devices: everything runs on the processor"),
    **dict.fromkeys(("backward", "stop_gradient"), "a Value has it: y.backward(), y.detach()"),
    **dict.fromkeys(("plot", "visualize", "show", "draw_graph"), "ag.draw(y) draws the graph, and .show() opens it"),
    **dict.fromkeys(("zero_grad", "zero_grads"), "a Value has it, y.zero_grad(), and so has a model"),
    **dict.fromkeys(
        ("MLP", "Module", "Neuron", "Layer", "Sequential", "Linear", "Conv2d", "LSTM", "Adam", "SGD", "fit", "mse"),
        "networks are in nn: import nn",
    ),
    **dict.fromkeys(("mod", "fmod", "remainder", "floor_divide", "round", "rint", "trunc", "fix"), _ROUNDING),
    **dict.fromkeys(("isnan", "isinf", "isfinite", "signbit"), "they are questions about a number, math.isnan(v.data)"),
    **dict.fromkeys(("matmul", "mm", "einsum", "tensordot", "outer", "inner"), _MATRICES),
    **dict.fromkeys(("detach", "clone", "stop_grad"), "a Value has it: v.detach()"),
    **dict.fromkeys(("ReLU", "Tanh", "Sigmoid", "GELU", "SiLU"), "a function is ag.relu, a layer nn.ReLU()"),
    **{theirs: f"it is ag.{ours}" for theirs, ours in _OTHER_NAMES.items()},
}


# What people keep for each parameter or node in optimizers, searches and layouts. They are listed since only a
# __setattr__ could catch any name, and it would double the time that a node takes.
ATTRIBUTES_OF_USERS = """
    m v s t g h n r u step steps velocity momentum momentum_buffer cache state old new prev previous last best count
    exp_avg exp_avg_sq max_exp_avg_sq avg_sq sum_sq square_avg acc_delta moment moment1 moment2 first_moment
    second_moment m_hat v_hat rms accumulator delta update history grads grad_sq grad2 old_grad prev_grad last_grad
    grad_sum old_data prev_data init initial lr learning_rate weight_decay decay beta l1 l2 penalty clip_value
    bounds lower upper low high frozen trainable fixed constant is_param is_parameter is_weight is_bias is_input
    mask sparsity importance fisher hessian hess jacobian tangent dot_value adjoint dual partials error loss target
    expected std var variance noise id uid uuid key index idx i j k position pos rank order level depth height layer
    unit neuron module owner parent next left right color visited seen mark marked done dirty tag tags kind role
    type text title description desc comment note info meta metadata extra payload user symbol units
    foo bar baz a b c d e f l o p q w x y z
"""
FORMULAS = "fn func function expr expression formula"  # likewise, and read by who asks what a node computes
BACKWARD = (
    "backward() walks the graph, so no node has a function of its own. Its .parents and .local_grads say what goes "
    "where, and ag.backward_steps(o) goes one product at a time; a derivative of your own is an @ag.primitive"
)
COPY = "v.detach() is a new leaf with the same number, copy.copy(v) the same node again, copy.deepcopy(y) a whole graph"
ARITHMETIC = "arithmetic is written v + w, v - w, v * w, v / w and v ** w"
ONE_NUMBER = "a Value is one number; many are a list, or a NumPy array of Values, with a shape of its own"
REQUIRES_GRAD = (
    "every Value takes part in backward(), and plain numbers do not; .detach() cuts a Value off, ag.no_grad() records "
    "nothing"
)


class NotOnValues:
    """Names that PyTorch, JAX, NumPy and micrograd have on their values, and `Value` does not have."""

    __slots__ = ()

    if not TYPE_CHECKING:
        _backward = NotToSet(BACKWARD, BACKWARD)
        draw = NotToSet("ag.draw(o) draws the graph of a Value o")
        draw_dot = NotToSet("ag.draw_dot(o) gives the graph of a Value o to Graphviz")
        plot = NotToSet(draw.hint)
        show = NotToSet("ag.draw(o).show() opens the graph of a Value o in a browser")
        live = NotToSet("ag.live(o) makes a page of a Value o on which its leaves can be dragged")
        explain = NotToSet("ag.explain(o, x) says why the derivative of o with respect to x has its value")
        paths = NotToSet("ag.paths(o, x) gives the paths from x to o, ag.top_paths(o, x) the largest")
        top_paths = NotToSet(paths.hint)
        count_paths = NotToSet("ag.count_paths(o, x) counts the paths from x to o")
        steps = NotToSet("ag.backward_steps(o) lists the steps of backward(), and ag.Stepper(o) shows them")
        backward_steps = NotToSet(steps.hint)
        forward_steps = NotToSet("ag.forward_steps(o) lists the steps that compute o, and ag.Stepper(o) shows them")
        topological_order = NotToSet("ag.topological_order(o) lists the nodes below o, operands first")
        conditioning = NotToSet("ag.conditioning(o) says where digits are lost on the way to o")
        graph_hash = NotToSet("ag.graph_hash(o) is the digest of the graph of a Value o")
        grad_of = NotToSet("ag.grad_of(o, [x]) gives the derivatives of o, and leaves .grad alone")
        trace = NotToSet("ag.trace(o) gives the nodes and the edges below o, as micrograd's notebook does")
        item = NotToSet("a Value's number is its .data, a float")
        numpy = NotToSet("a Value's number is its .data, a float; for many, np.array([v.data for v in values])")
        tolist = NotToSet("a Value's number is its .data, a float")
        value = NotToSet("a Value's number is its .data, a float", "assign to .data")
        val = NotToSet("a Value's number is its .data, a float", "assign to .data")
        gradient = NotToSet("what backward() adds up is .grad", "assign to .grad")
        derivative = NotToSet("what backward() adds up is .grad, the derivative of the result by this Value")
        backprop = NotToSet("it is called backward()")
        backwards = NotToSet("it is called backward()")
        children = NotToSet("the operands are .parents")
        grad_fn = NotToSet("the operation is .op, its operands .parents, its local derivatives .local_grads")
        is_leaf = NotToSet("a leaf is a Value without .parents: `not v.parents`")
        retain_grad = NotToSet("every node keeps its .grad after backward()")
        requires_grad = NotToSet(REQUIRES_GRAD, REQUIRES_GRAD)
        requires_grad_ = NotToSet(REQUIRES_GRAD, REQUIRES_GRAD)
        clone = NotToSet(COPY)
        copy = NotToSet(COPY)
        astype = NotToSet('a Value\'s .data is a float; ag.compile(f, ..., dtype="float32") computes in single ones')
        to = NotToSet("there are no devices, and a Value's .data is a float")
        cuda = NotToSet("there are no devices: everything runs on the processor")
        cpu = NotToSet("there are no devices: everything runs on the processor")
        add = NotToSet(ARITHMETIC)
        sub = NotToSet(ARITHMETIC)
        mul = NotToSet(ARITHMETIC)
        div = NotToSet(ARITHMETIC)
        pow = NotToSet(ARITHMETIC)
        max = NotToSet("a Value is one number; ag.max(values) takes many, ag.maximum(v, w) two")
        min = NotToSet("a Value is one number; ag.min(values) takes many, ag.minimum(v, w) two")
        zero_grad_ = NotToSet("v.grad = 0.0 clears one gradient, v.zero_grad() those of all nodes below")
        zero_ = NotToSet("v.grad = 0.0 clears one gradient, v.zero_grad() those of all nodes below")
        name = NotToSet("a Value's name is its .label", "a Value's name is its .label; ag.name(locals()) sets many")
        shape = NotToSet(ONE_NUMBER)
        ndim = NotToSet(ONE_NUMBER)
        size = NotToSet(ONE_NUMBER)
        dtype = NotToSet(f"{ONE_NUMBER}; its .data is a float")
        T = NotToSet(ONE_NUMBER)
        sum = NotToSet("a Value is one number; ag.sum(values) adds up many as one node")
        mean = NotToSet("a Value is one number; ag.mean(values) is that of many, as one node")
        norm = NotToSet("a Value is one number; ag.norm(values) is the length of many, as one node")
        dot = NotToSet("a Value is one number; ag.dot(w, x) multiplies two sequences, as one node")
        softmax = NotToSet("a Value is one number; ag.softmax(values) takes many")
        for _own in ATTRIBUTES_OF_USERS.split():
            locals()[_own] = NotToSet(READING)  # before the class is made, these are its names
        for _own in FORMULAS.split():
            locals()[_own] = NotToSet(FORMULA)
        del _own


class NotOnModules:
    """Names that PyTorch's and Keras' modules have, and `Module` does not have."""

    if not TYPE_CHECKING:
        backward = Elsewhere("the loss has it: loss = nn.mse(model(x), y); loss.backward()")
        step = Elsewhere("an optimizer has it: optimizer = nn.SGD(model, lr=0.1); optimizer.step()")
        fit = Elsewhere("nn.fit(model, X, y, loss=..., optimizer=...) trains it")
        predict = Elsewhere("nn.predict(model, X), or nn.predict_classes(model, X)")
        evaluate = Elsewhere("nn.evaluate(model, X, y, loss=...)")
        summary = Elsewhere("print(model) shows its parts, nn.diagnose(model, ...) how they do")
        draw = Elsewhere("ag.draw(model(x)) draws the graph of a prediction")
        modules = Elsewhere("named_modules() gives them with their names")
        children = Elsewhere("named_modules() gives all modules below, with their names")
        named_children = Elsewhere("named_modules() gives all modules below, with their names")
        weights = Elsewhere(
            "model.state_dict() has all by name; those of a layer are .weight and .bias, of a neuron .w and .b"
        )
        w = Elsewhere("a layer has .weight and .bias, and each of its .neurons has .w and .b")
        b = Elsewhere(w.hint)
        params = Elsewhere("model.parameters() lists them, model.named_parameters() with their names")
        trainable_variables = Elsewhere(params.hint)
        zero_grads = Elsewhere("it is called zero_grad()")
        freeze = Elsewhere(FREEZE)
        unfreeze = Elsewhere(freeze.hint)
        requires_grad_ = Elsewhere("leave parameters out by giving the optimizer a list of the others")
        to = Elsewhere("there are no devices or dtypes: parameters are doubles in this process")
        cuda = Elsewhere("there are no devices: parameters are doubles in this process")
        cpu = Elsewhere("there are no devices: parameters are doubles in this process")
        double = Elsewhere("parameters are doubles already")
        to_c = Elsewhere("ag.compile(model, X[0], in_axes=0) has to_c(path), to_js, to_numpy and to_jax")
        to_js = Elsewhere(to_c.hint)
        to_numpy = Elsewhere(to_c.hint)
        to_onnx = Elsewhere(to_c.hint)
        export = Elsewhere(to_c.hint)
        compile = Elsewhere("nn.fit compiles what it trains; ag.compile(f, ...) compiles a function of numbers")
        apply = Elsewhere("for initial weights see nn.init and init=; named_modules() gives all modules below")


class NotOnSequentials:
    """Names that Keras' Sequential and an MLP have, and `Sequential` does not have."""

    if not TYPE_CHECKING:
        layers = Elsewhere("its items are model[0], model[1], ..., and all of them model.modules")


class NotOnCompiled:
    """Names that compiled functions of other libraries have, and `CompiledFunction` does not have."""

    def __dir__(self) -> list[str]:
        return names_of(self)

    if not TYPE_CHECKING:
        grad = Elsewhere("f.value_and_grad(*args) gives values and gradients")
        gradient = Elsewhere(grad.hint)
        backward = Elsewhere(f"{grad.hint}; called with Values it is a node of their graph")
        predict = Elsewhere("it is called: f(x)")
        forward = Elsewhere(predict.hint)
        save = Elsewhere("f.program.save(path) writes the program; a compiled function can also be pickled")
        to_onnx = Elsewhere("f.to_c(), f.to_js(), f.to_numpy() and f.to_jax() are there")
        to_torch = Elsewhere(to_onnx.hint)
        lower = Elsewhere("print(f.program) shows what it computes")
