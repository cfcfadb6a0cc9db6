"""What mypy (strict) and pyright make of a user's code: right names and types pass, misspelt and mistyped ones do not.

Each case is a file. A line that ends in `# error` must be refused by both checkers, and no other line may be.
"""

import inspect
import json
import sys
import textwrap
from pathlib import Path

import pytest
from type_checkers import CHECKERS, ROOT, SOURCES, output_of, said_by

import autograd_core
from autograd_core import Value
from autograd_core._src.engine.recording import FUSED
from autograd_core._src.pictures.picture import DrawOptions
from autograd_core._src.testing.assertions import CheckOptions
from autograd_core.testing import check_gradient

CASES = {
    "right_names": """
        import autograd_core as ag
        import nn
        from autograd_core import CompiledFunction, Explanation, Picture, Program, Step, Stepper, Value, draw

        def compiled(f: CompiledFunction) -> Program:
            return f.program

        def drawn(x: Value) -> Picture:
            return draw(ag.tanh(x))

        ag.sum, ag.max, ag.min, ag.abs, ag.compile, ag.explain, ag.backward_steps, ag.draw_dot
        nn.MLP, nn.fit, nn.datasets.moons, nn.init, nn.schedules, nn.practice
    """,
    "misspelt_names": """
        import autograd_core as ag
        import nn
        from autograd_core import NoSuchThing  # error
        from autograd_core._src import compiler
        from autograd_core._src.compiler import CompiledFunktion  # error
        from nn import Sequental  # error

        ag.tahn  # error
        ag.tahn(1.0)  # error
        ag.Valeu  # error
        ag.drawdot  # error
        ag._LATER_  # error
        compiler.comple  # error
        nn.MPL  # error
        nn.datasets.mons  # error
        ag.Value(1.0).tahn()  # error
        ag.Value(1.0).labl  # error
    """,
    "misspelt_options": """
        import autograd_core as ag
        import nn

        v = ag.Value(1.0, label="v")
        net = nn.MLP(1, [1], seed=0)
        ag.compile(ag.tanh, 1.0, in_axes=0, reduce="mean", guards="error")
        ag.compile(ag.tanh, 1.0, in_axes=0, reduce="maen")  # error
        ag.compile(ag.tanh, 1.0, guards="parts")  # error
        ag.jacobian(ag.tanh, mode="forward", layout="denominator")
        ag.jacobian(ag.tanh, mode="foward")  # error
        ag.jacobian(ag.tanh, layout="denominators")  # error
        ag.draw(v, layout="builtin", theme="dark", direction="LR", style="compact")
        ag.draw(v, layout="graphviz")  # error
        ag.draw(v, theme="drak")  # error
        ag.draw(v, direction="RL")  # error
        ag.draw(v, style="small")  # error
        ag.draw(v).save("x.svg", theme="drak")  # error
        ag.explain(v, v).draw(theme="drak")  # error
        ag.explain(v, v).without(net.layers[0].neurons[0])
        ag.explain(v, v).without("layer1")
        ag.explain(v, v).without(3)  # error
        ag.live(v, theme="drak")  # error
        ag.Stepper(v, style="small")  # error
        nn.mse([v], [1.0], reduction="batchmean")
        nn.mse([v], [1.0], reduction="none")  # error
        nn.nll([[v]], [0], reduction="maen")  # error
        nn.draw_network(net, [1.0], theme="drak")  # error
        nn.layer_jacobian(net, [1.0], of="layer2", to="layer1", layout="rows")  # error
        nn.weight_jacobian(net, [1.0], layer="layer1", of="layer1", layout="rows")  # error
        nn.jacobian_chain([1.0], [[1.0]], layout="rows")  # error
    """,
    "misspelt_keywords": """
        import autograd_core as ag
        import nn
        from autograd_core import testing

        v = ag.Value(1.0)
        f = ag.compile(lambda x: x * x, 1.0)
        testing.assert_gradient(ag.tanh, (0.5,), expect="RIGHT", derivative=1.0, order=1, strict=True)
        testing.assert_gradient(ag.tanh, (0.5,), expects="RIGHT")  # error
        testing.assert_gradient(ag.tanh, (0.5,), derivatve=1.0)  # error
        testing.check_gradient(ag.tanh, (0.5,), attol=1.0)  # error
        testing.check_grads(ag.tanh, (0.5,), ordr=1)  # error
        testing.gradcheck(ag.tanh, (v,), fast_mode=True)
        testing.gradcheck(ag.tanh, (v,), epsilon=1e-6)  # error
        testing.gradgradcheck(ag.tanh, (v,), fast_mod=True)  # error
        testing.check_gradient(ag.tanh, (0.5,)).draw(layout="builtin")
        testing.check_gradient(ag.tanh, (0.5,)).draw(layuot="builtin")  # error
        ag.draw(v, layuot="builtin")  # error
        ag.explain(v, v).draw(theme="dark")
        ag.explain(v, v).draw(thme="dark")  # error
        ag.conditioning(v).draw("saturation", style="compact")
        ag.conditioning(v).draw("saturation", sytle="compact")  # error
        f.program.draw(output=0, title="f")
        f.program.draw(output=0, titel="f")  # error
        ag.grad(ag.tanh, argnum=0)  # error
        ag.compile(lambda x: x, 1.0, in_axis=0)  # error
        ag.softmax([1.0], axis=0)  # error
        nn.MLP(2, [3, 1], activaton="tanh")  # error
        nn.SGD([v], learning_rate=0.1)  # error
        nn.fit(nn.MLP(1, [1]), [[1.0]], [1.0], loss=nn.mse, optimiser="sgd")  # error
    """,
    "functions": """
        from typing import assert_type
        import autograd_core as ag
        from autograd_core import Value

        x = Value(1.0)
        assert_type(ag.sin(0.5), float)
        assert_type(ag.sin(2), float)
        assert_type(ag.sin(x), Value)
        assert_type(ag.atan2(1.0, 2.0), float)
        assert_type(ag.atan2(x, 2.0), Value)
        assert_type(ag.atan2(1, x), Value)
        assert_type(ag.maximum(x, x), Value)
        assert_type(ag.log(8.0, 2), float)
        assert_type(ag.log(x), Value)
        assert_type(ag.log(8.0, x), Value)
        assert_type(ag.leaky_relu(x), Value)
        assert_type(ag.elu(-1.0), float)
        assert_type(2 * x + x / 3 - x**2, Value)
        assert_type(x > 0, Value)
        assert_type(x.data, float)
        assert_type(x.grad, float)
        assert_type(x.local_grads, tuple[float, ...])
        assert_type(x.tanh(), Value)
        x.data = 2
        x // 2  # error
        x % 2  # error
        round(x)  # error
        int(x)  # error
        assert_type(x.hypot(2), Value)
    """,
    "operands_of_every_kind": """
        from typing import Any, assert_type
        import numpy as np
        from numpy.typing import NDArray
        import autograd_core as ag
        from autograd_core import Value

        x = Value(1.0)
        a = np.array([1.0, 2.0])
        assert_type(ag.where(x > 0, x, 0), Value)
        assert_type(ag.where(True, x, 0), Value)
        assert_type(ag.where(True, 1, 0), float)
        assert_type(ag.where(np.float64(1) > 0, 1.0, 0), float)
        assert_type(ag.clip(x, 0, 1), Value)
        assert_type(ag.clip(3.0, high=1), float)
        assert_type(ag.clip(3.0, x), Value)
        assert_type(ag.clip(3.0, None, x), Value)
        assert_type(ag.hypot(3.0, 4.0, 5), float)
        assert_type(ag.hypot(x, 4.0), Value)
        assert_type(ag.hypot(3, x, 1), Value)
        assert_type(ag.exp(a), NDArray[Any])
        assert_type(ag.exp(np.float64(1)), float)
        assert_type(ag.maximum(a, x), NDArray[Any])
        assert_type(ag.maximum(0, a), NDArray[Any])
        assert_type(ag.where(a > 0, a, 0), NDArray[Any])
        assert_type(ag.clip(a, 0, 1), NDArray[Any])
        assert_type(ag.hypot(a, 1.0), NDArray[Any])
        assert_type(ag.log(a, 2), NDArray[Any])
        assert_type(ag.elu(a), NDArray[Any])

        def either(v: float | Value) -> float | Value:
            assert_type(ag.tanh(v), float | Value)
            assert_type(ag.maximum(v, x), Value)
            return ag.exp(v)

        ag.clip("a")  # error
        ag.where(True, "a", 0)  # error
        ag.hypot("a")  # error
    """,
    "sequences": """
        from typing import Any, assert_type
        import numpy as np
        from numpy.typing import NDArray
        import autograd_core as ag
        from autograd_core import Value

        x = Value(1.0)
        xs = [x, x]
        mixed: list[float | Value] = [x, 1.0]
        any_array: NDArray[Any] = np.zeros(2)
        assert_type(ag.sum([1, 2]), int)
        assert_type(ag.sum([1.0, 2]), float)
        assert_type(ag.sum(xs), Value)
        assert_type(ag.sum(v * v for v in xs), Value)
        assert_type(ag.sum(xs, start=x), Value)
        assert_type(ag.sum(mixed), float | Value)
        assert_type(ag.sum(mixed, x), Value)
        assert_type(ag.sum([[1], [2]], [0]), list[int])
        for f in (ag.mean, ag.prod, ag.norm, ag.logsumexp):
            assert_type(f([1.0, 2.0]), float)
            assert_type(f(xs), Value)
            assert_type(f(mixed), float | Value)
            assert_type(f([np.zeros(2), np.zeros(2)]), NDArray[Any])
            assert_type(f(np.array([1.0])), float | Value)
            assert_type(f(any_array), float | Value)
            assert_type(f({"a": x}.values()), Value)
            assert_type(f({1.0, 2.0}), float)
        assert_type(ag.dot([1.0], [2.0]), float)
        assert_type(ag.dot(xs, [2.0, 1.0]), Value)
        assert_type(ag.dot([2.0, 1.0], xs), Value)
        assert_type(ag.dot(mixed, mixed), float | Value)
        assert_type(ag.max(xs), Value)
        assert_type(ag.max(xs, key=lambda v: v.data), Value)
        assert_type(ag.max(x, 0.0), Value)
        assert_type(ag.min(0.0, x, 3), Value)
        assert_type(ag.min(1, 2), int)
        assert_type(ag.max(1.0, 2), float)
        assert_type(ag.max(mixed), float | Value)
        assert_type(ag.max(["a", "b"]), str)
        assert_type(ag.max([1.0], default=None), float | None)
        assert_type(ag.abs(-1.0), float)
        assert_type(ag.abs(x), Value)
        assert_type(ag.softmax([1.0]), list[float])
        assert_type(ag.log_softmax(xs), list[Value])
        assert_type(ag.softmax(np.zeros(2)), NDArray[Any])

        ag.sum(3)  # error
        ag.mean(x)  # error
        ag.dot([1.0])  # error
    """,
    "untyped_lists": """
        from typing import Any
        import autograd_core as ag

        def loss(xs: list[Any], ys: Any) -> None:  # of items of any type pyright must not make numbers
            ag.sum(xs).backward()
            ag.sum(x * x for x in xs).backward()
            ag.mean(xs).backward()
            ag.dot(xs, xs).backward()
            ag.max(xs).backward()
            ag.exp(ys).backward()
            ag.hypot(ys, 1.0).backward()
    """,
    "compiled_functions": """
        from typing import Any, assert_type
        from numpy.typing import NDArray
        import autograd_core as ag
        from autograd_core import CompiledFunction, Value

        def f(w: Value, x: Value) -> Value:
            return w * x

        g = ag.compile(f, 1.0, 2.0)
        rows = ag.compile(f, 1.0, 2.0, in_axes=(None, 0))
        assert_type(g(1.0, 2.0), float)
        assert_type(g(Value(1.0), 2.0), Value)
        assert_type(g(1.0, Value(2.0)), Value)
        assert_type(g.value_and_grad(1.0, 2.0)[0], float)
        assert_type(rows.value_and_grad(1.0, [2.0])[0], NDArray[Any])
        assert_type(rows(1.0, [2.0, 3.0]), NDArray[Any])

        def bare(h: CompiledFunction) -> None:  # of which nothing is known
            h(1.0).tolist()

        unknown = ag.compile(lambda w, x: w * x, 1.0, 2.0)
        assert_type(unknown(1.0, 2.0), float)
        assert_type(ag.compile(lambda w: w * w, 1.0, in_axes=0)([2.0]), NDArray[Any])
        assert_type(ag.compile(lambda v: [v[0], v[1]], [1.0, 2.0])([1.0, 2.0]), list[float])
        assert_type(ag.compile(lambda v: {"a": v[0]}, [1.0])([1.0]), dict[str, float])
        ag.compile(f, 1.0, 2.0)(1.0, 2.0).backward()  # error

        weight = Value(2.0)
        point = ag.compile(lambda x: weight * x, 1.0, parameters=[weight])
        assert_type(point(1.0), Value)
        assert_type(point.value_and_grad(1.0)[0], float)
        mean = ag.compile(lambda x: weight * x, 1.0, in_axes=0, reduce="mean", parameters=[weight])
        mean([1.0, 2.0]).backward()
        assert_type(mean.value_and_grad([1.0, 2.0])[0], NDArray[Any])
        each = ag.compile(lambda x: weight * x, 1.0, in_axes=0, parameters=[weight])
        assert_type(each([1.0, 2.0]), NDArray[Any])

        def both(x: float) -> list[Value]:
            return [weight * x, weight + x]

        assert_type(ag.compile(both, 1.0, parameters=[weight])(1.0), list[Value])

        @ag.compile
        def area(width: float, height: float) -> float:
            return width * height

        assert_type(area(2.0, 3.0), float)
        area.value_and_grad(2.0, 3.0)[1]
        g.derivative  # error
    """,
    "derivatives": """
        from typing import Any, assert_type
        import numpy as np
        from numpy.typing import NDArray
        import autograd_core as ag
        from autograd_core import Value

        def f(v: Value) -> Value:
            return v * v

        def g(v: list[Value]) -> Value:
            return v[0] * v[1]

        def h(v: list[Value]) -> list[Value]:
            return v

        x = Value(1.0)
        a = np.array([1.0, 2.0])
        assert_type(ag.grad(f)(1), float)
        assert_type(ag.grad(f)(x), Value)
        assert_type(ag.grad(lambda v: v * v)(1.0), float)
        assert_type(ag.grad(g)([1.0, 2.0]), list[float])
        assert_type(ag.grad(g)([x, x]), list[Value])
        assert_type(ag.grad(g)(a), NDArray[Any])
        assert_type(ag.grad(lambda p: p["w"])({"w": 1.0}), dict[str, float])
        assert_type(ag.grad(lambda u, v: u * v, argnums=1)("a", 2.0), float)
        assert_type(ag.grad(lambda u, v: u * v, argnums=(0, 1))(1.0, 2), tuple[float, float])
        assert_type(ag.value_and_grad(f)(1.0), tuple[float, float])
        assert_type(ag.value_and_grad(f)(x), tuple[Value, Value])
        assert_type(ag.value_and_grad(g)([1.0, 2.0]), tuple[float, list[float]])
        assert_type(ag.hessian(f)(1.0), float)
        assert_type(ag.hessian(g)([1.0, 2.0]), list[list[float]])
        assert_type(ag.hessian(g)(a), NDArray[Any])
        assert_type(ag.jacobian(h)([1.0, 2.0]), list[list[float]])
        assert_type(ag.jacobian(lambda v: [v[0], v[1]])([1.0, 2.0]), list[list[float]])
        assert_type(ag.jacobian(g)([1.0, 2.0]), list[float])
        assert_type(ag.jacobian(lambda t: [t, t])(1.0), list[float])
        assert_type(ag.hvp(f, (1.0,), (1.0,)), tuple[float])
        assert_type(ag.hvp(g, ([1.0, 2.0],), ([1.0, 0.0],)), tuple[list[float]])
        assert_type(ag.hvp(f, (1, 2.0, 3), (1.0, 0.0, 0.0)), tuple[float, float, float])
        assert_type(ag.hvp(g, ([1.0], 2.0, x), ([1.0], 0.0, 0.0)), tuple[list[float], float, Value])
        assert_type(ag.jvp(f, (1.0,), (1.0,)), tuple[float, float])
        assert_type(ag.jvp(f, ([1.0], 2), ([1.0], 0.0)), tuple[float, float])
        assert_type(ag.jvp(h, ([1.0],), ([1.0],)), tuple[list[float], list[float]])
        assert_type(ag.jvp(f, (x, [1.0]), (1.0, [1.0])), tuple[Value, Value])
        assert_type(ag.vjp(f, 1.0)[1](1.0), tuple[float, ...])
        assert_type(ag.vjp(f, [1.0], 2.0, x)[1](1.0), tuple[list[float], float, Value])
        assert_type(ag.vjp(h, [1.0])[0], list[float])
        assert_type(ag.jacobian(f, argnums=(0, 1, 2))([1.0], 2.0, x), tuple[list[float], float, Value])
        assert_type(ag.jacobian(h, argnums=(0, 1, 2))([1.0], 2.0, x), tuple[list[list[float]], list[float], list[Value]])
        assert_type(
            ag.hessian(f, argnums=(0, 1))([1.0], 2.0),
            tuple[tuple[list[list[float]], list[float]], tuple[list[float], float]],
        )
        assert_type(ag.hessian(f, argnums=(0, 1, 2))([1.0], 2.0, 3)[1], tuple[list[float], float, float])
        assert_type(ag.hessian(f, argnums=(0, 1, 2))(1.0, x, 3)[1][2], float | Value)
        assert_type(ag.grad_of(x, [x]), list[float])
        assert_type(ag.grad_of(x, [x], create_graph=True), list[Value])
        x0 = 1.0
        x0 -= 0.1 * ag.grad(f)(x0)

        @ag.primitive
        def cube(v: float) -> float:
            return v**3

        assert_type(cube(2.0), float)
        assert_type(cube(x), Value)
        assert_type(cube(a), NDArray[Any])
        ag.grad(f)(1.0).backward()  # error
        ag.grad(g)([1.0]).shape  # error
    """,
    "networks": """
        from typing import assert_type
        import nn
        from autograd_core import Value

        model = nn.MLP(2, [3, 1], seed=0)
        y = model([1.0, 2.0])
        assert_type(nn.Neuron(2)([1.0, 2.0]), Value)
        assert_type(nn.Linear(2, 1)([1.0, 2.0]), list[Value])
        assert_type(nn.mse(y, 1.0), Value)
        assert_type(nn.Tanh()(1.0), float)
        assert_type(nn.Tanh()([Value(1.0)]), list[Value])
        assert_type(nn.Softmax()([Value(1.0)]), list[Value])
        assert_type(nn.StandardScaler().fit([[1.0]]), nn.StandardScaler)
        nn.mse(nn.Sequential(nn.Linear(2, 1), nn.Tanh())([1.0, 2.0]), [1.0])
        assert_type(nn.mse([Value(1.0)], [1.0]), Value)
        assert_type(nn.sse([1.0, 2.0], [0.0, 0.0]), float)
        assert_type(nn.cross_entropy([[Value(1.0), Value(2.0)]], [1]), Value)
        assert_type(nn.fit(model, [[1.0, 2.0]], [1.0], loss=nn.mse), nn.History)
        nn.MLP(2, [1], nonlin=False)  # error
        Value(1.0).backward(retain_graph=True)  # error
    """,
    "networks_of_one_or_several_outputs": """
        from typing import Any, assert_type
        import autograd_core as ag
        import nn
        from numpy.typing import NDArray
        from autograd_core import Value

        x = [1.0, 2.0]
        mlp, layer = nn.MLP(2, [3, 1], seed=0), nn.Layer(2, 1)
        sequential = nn.Sequential(nn.Linear(2, 1), nn.Tanh())
        for model in (mlp, layer):
            assert_type(model(x) - 1.0, Value)
            assert_type(1 + -1.0 * model(x), Value)
            assert_type((model(x) - 1.0) ** 2, Value)
            assert_type(model(x).relu(), Value)
            assert_type(model(x) > 0, Value)
            assert_type(model(x).data, float)
            assert_type(model(x)[0], Value)
            assert_type(len(model(x)), int)
            assert_type([p.data for p in model(x)], list[float])
            assert_type(ag.tanh(model(x)), Value)
            assert_type(ag.sum(model(x)), Value)
            assert_type(ag.softmax(model(x)), list[Value])
            assert_type(nn.mse(model(x), 1.0), Value)
            assert_type(nn.mse([model(row) for row in [x, x]], [1.0, 1.0]), Value)
            assert_type(nn.cross_entropy(model(x), 1), Value)
            assert_type(nn.Softmax()(model(x)), list[Value])
            model(x).backward()
            ag.draw(model(x)), ag.explain(model(x), model.parameters()[0]), ag.Stepper(model(x))
            one: Value = model(x)
            several: list[Value] = model(x)
            either: Value | list[Value] = model(x)
            total = model(x)
            total += 1.0
            total -= one
            total *= 2
            total /= 2
            text: str = model(x)  # error
            model(x).bakward()  # error
            model(x).appendd(one)  # error
            model(x) - "a"  # error
            model(x)["a"]  # error
            model("a", "b")  # error
        losses = [(p - t) ** 2 for p, t in zip(map(mlp, [x, x]), [1.0, 0.0])]
        ag.sum(losses).backward()
        sequential(x).backward()
        assert_type(sequential(x) - 1.0, Value)
        assert_type(nn.mse(sequential(x), [1.0]), Value)
        assert_type([channel[0].data for channel in sequential(x)], list[float])
        sequential(x).bakward()  # error
        assert_type([v.data for v in nn.Tanh()(mlp(x))], list[float])
        assert_type(nn.Tanh()(mlp(x)) - 1, Value)

        point, rows = ag.compile(mlp, x), ag.compile(mlp, x, in_axes=0)
        assert_type(point(x) - 1, float)
        assert_type(point(x)[0], float)
        assert_type(rows([x]), NDArray[Any])
        point(x).tolist()  # error
        of_weights = ag.compile(lambda row: mlp(row), x, parameters=mlp.parameters())
        of_weights(x).backward()
        assert_type(of_weights(x)[0], Value)
    """,
    "mistyped": """
        import autograd_core as ag
        ag.sin("a")  # error
        ag.Value([1.0])  # error
        ag.atan2(1.0)  # error
    """,
}

OWN_ARITY = {"leaky_relu": 1, "elu": 1, "clip": 1}  # with defaults
METHODS = {
    name: OWN_ARITY.get(name, len(inspect.signature(method).parameters))
    for name, method in vars(Value).items()
    if not name.startswith("_") and method in {*FUSED.values(), Value.leaky_relu, Value.elu, Value.clip}
}
CASES["methods"] = """
    from typing import assert_type
    from autograd_core import Value

    x = Value(1.0)
    assert_type(x.clip(0, x), Value)
    assert_type(x.leaky_relu(x), Value)
""" + "".join(f"    assert_type(x.{name}({'2, ' * (arity - 1)}), Value)\n" for name, arity in METHODS.items())


def test_all_methods_are_tried():
    assert {"tanh", "arctan", "arctan2", "fabs", "clip", "leaky_relu", "elu", "hypot", "gelu"} <= METHODS.keys()


SOURCES.update({name: textwrap.dedent(code) for name, code in CASES.items()})


@pytest.fixture(scope="module", params=CHECKERS)
def errors(request):
    """Messages of one checker by case and line."""
    pytest.importorskip(request.param)
    found = {name: {} for name in CASES}
    for said in said_by(request.param):
        if said.is_error and said.file in found:
            found[said.file].setdefault(said.line, []).append(said.text)
    assert found["mistyped"], f"{request.param} did not run"
    return found


@pytest.mark.parametrize("name", CASES)
def test_checkers_accept_and_refuse(errors, name):
    lines = textwrap.dedent(CASES[name]).splitlines()
    expected = {i for i, line in enumerate(lines, 1) if line.endswith("# error")}
    shown = "\n".join(f"{lines[i - 1].strip()}: {messages}" for i, messages in errors[name].items() if i not in expected)
    assert not shown
    assert not [lines[i - 1] for i in expected - errors[name].keys()]


@pytest.mark.parametrize(("options", "function"), [(CheckOptions, check_gradient), (DrawOptions, autograd_core.draw)])
def test_what_is_handed_on_by_keyword_is_typed_as_it_is_taken(options, function):
    taken = inspect.signature(function).parameters.values()
    assert {p.name: p.annotation for p in taken if p.kind is p.KEYWORD_ONLY} == {
        name: kind.__forward_arg__ for name, kind in inspect.get_annotations(options).items()
    }


@pytest.mark.parametrize("package", ["autograd_core", "nn"])
def test_what_checkers_take_for_public_is_little_and_has_known_types(package):
    """Internal modules are private by their folder, `_src`; what is public has annotations, so that no checker guesses."""
    pytest.importorskip("pyright")
    command = ["-m", "pyright", "--pythonpath", sys.executable, "--verifytypes", package, "--ignoreexternal", "--outputjson"]
    output = output_of(command, ROOT, PYTHONPATH=str(ROOT))
    found = json.loads(output[output.index("{") :])["typeCompleteness"]
    assert Path(found["packageRootDirectory"]).resolve() == (ROOT / package).resolve()
    assert [(x["name"], [d["message"] for d in x["diagnostics"]]) for x in found["symbols"] if not x["isTypeKnown"]] == []
    assert 100 < sum(found["exportedSymbolCounts"].values()) <= 700
