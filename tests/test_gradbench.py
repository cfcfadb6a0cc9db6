"""The programs of GradBench against NumPy, central differences and closed forms, through the protocol's own lines."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).parents[1] / "benchmarks" / "gradbench" / "tool.py"
RNG = np.random.default_rng(7)


def asked(*questions):
    """What the tool answers to evaluations `(module, function, input)`, all in one process."""
    messages = [{"kind": "start"}]
    for module, function, given in questions:
        messages += [
            {"kind": "define", "module": module},
            {"kind": "evaluate", "module": module, "function": function, "input": given},
            {"kind": "analysis", "of": len(messages) + 1, "valid": True},
        ]
    lines = "\n".join(json.dumps(m | {"id": k}) for k, m in enumerate(messages))
    command = [sys.executable, TOOL, "--warm-up", "0.05"]  # times are not looked at
    done = subprocess.run(command, input=lines, text=True, capture_output=True, check=True, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a["id"] for a in answers] == list(range(len(messages)))
    found = [a for m, a in zip(messages, answers, strict=True) if m["kind"] == "evaluate"]
    for a in found:
        assert a["success"], a["error"]
        assert {t["name"] for t in a["timings"]} == {"prepare", "evaluate"}
    return [a["output"] for a in found]


def slopes(f, x, h=1e-6):
    """Central differences by each entry."""
    x = np.asarray(x, float)
    found = np.empty(x.size)
    for k in range(x.size):
        low, high = x.ravel().copy(), x.ravel().copy()
        low[k], high[k] = low[k] - h, high[k] + h
        found[k] = (f(high.reshape(x.shape)) - f(low.reshape(x.shape))) / (2 * h)
    return found


@pytest.fixture(scope="module")
def answers():
    """One process for all short evaluations."""
    questions = list(QUESTIONS.values())
    return dict(zip(QUESTIONS, asked(*questions), strict=True))


X, MATRIX = RNG.random(6), RNG.random((4, 4))
POINTS = RNG.random((40, 3))
GMM = {
    "d": 3, "k": 2, "n": 5, "m": 1, "gamma": 1.3, "x": RNG.normal(size=(5, 3)).tolist(),
    "alpha": RNG.normal(size=2).tolist(), "mu": RNG.random((2, 3)).tolist(), "q": RNG.normal(size=(2, 3)).tolist(),
    "l": RNG.normal(size=(2, 3)).tolist(),
}  # fmt: skip
LSTM = {
    "main_params": RNG.random((4, 8)).tolist(), "extra_params": RNG.random((3, 2)).tolist(),
    "state": RNG.random((4, 2)).tolist(), "sequence": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]],
}  # fmt: skip
BA = {
    "n": 3, "m": 4, "p": 7, "cam": (RNG.random(11) * 0.3).tolist(), "x": [0.4, 0.3, 2.0], "w": 0.9, "feat": [0.1, -0.2],
}  # fmt: skip
QUESTIONS = {
    "square": ("hello", "square", 3.0),
    "double": ("hello", "double", 3.0),
    "llsq": ("llsq", "primal", {"x": X.tolist(), "n": 20}),
    "llsq gradient": ("llsq", "gradient", {"x": X.tolist(), "n": 20}),
    "lse": ("lse", "primal", {"x": (1000 * X).tolist()}),
    "lse gradient": ("lse", "gradient", {"x": (1000 * X).tolist()}),
    "det": ("det", "primal", {"A": MATRIX.ravel().tolist(), "ell": 4}),
    "det gradient": ("det", "gradient", {"A": MATRIX.ravel().tolist(), "ell": 4}),
    "ode": ("ode", "primal", {"x": X.tolist(), "s": 8}),
    "ode gradient": ("ode", "gradient", {"x": X.tolist(), "s": 8}),
    "kmeans": ("kmeans", "cost", {"points": POINTS.tolist(), "centroids": POINTS[-4:].tolist()}),
    "kmeans direction": ("kmeans", "dir", {"points": POINTS.tolist(), "centroids": POINTS[-4:].tolist()}),
    "gmm": ("gmm", "objective", GMM),
    "gmm gradient": ("gmm", "jacobian", GMM),
    "lstm": ("lstm", "objective", LSTM),
    "lstm gradient": ("lstm", "jacobian", LSTM),
    "ba": ("ba", "objective", BA),
    "ba jacobian": ("ba", "jacobian", BA),
}


def test_hello(answers):
    assert answers["square"] == 9
    assert answers["double"] == 6


def test_least_squares(answers):
    t = np.linspace(-1, 1, 20)

    def cost(x):
        return float(np.sum((np.sign(t) - np.vander(t, len(x), increasing=True) @ x) ** 2) / 2)

    assert answers["llsq"] == pytest.approx(cost(X))
    assert answers["llsq gradient"] == pytest.approx(slopes(cost, X), abs=1e-7)


def test_logsumexp(answers):
    x = 1000 * X
    shares = np.exp(x - x.max())
    assert answers["lse"] == pytest.approx(x.max() + np.log(shares.sum()))
    assert answers["lse gradient"] == pytest.approx(shares / shares.sum())


def test_determinant(answers):
    assert answers["det"] == pytest.approx(np.linalg.det(MATRIX))
    assert answers["det gradient"] == pytest.approx((np.linalg.det(MATRIX) * np.linalg.inv(MATRIX).T).ravel())


def test_differential_equation(answers):
    """Runge and Kutta's method is exact for the polynomials up to the fourth degree: yᵢ = x₀ ... xᵢ 2ⁱ⁺¹ / (i + 1)!."""
    exact = np.cumprod(X) * 2.0 ** np.arange(1, 7) / np.cumprod(np.arange(1.0, 7.0))
    assert answers["ode"][:4] == pytest.approx(exact[:4])
    assert answers["ode"] == pytest.approx(exact, rel=0.01)
    assert answers["ode gradient"] == pytest.approx(answers["ode"][-1] / X)


def test_k_means(answers):
    centres = POINTS[-4:]
    squares = ((POINTS[:, None] - centres) ** 2).sum(-1)
    nearest = squares.argmin(1)
    assert answers["kmeans"] == pytest.approx(squares.min(1).sum())
    means = np.array([POINTS[nearest == k].mean(0) for k in range(4)])
    assert np.array(answers["kmeans direction"]) == pytest.approx(centres - means)


def log_posterior(alpha, mu, q, below):
    """By determinants and inverses, as the densities are defined."""
    from scipy.stats import multivariate_normal, wishart

    total = 0.0
    precisions = []
    for q_k, below_k in zip(q, below, strict=True):
        root = np.diag(np.exp(q_k))
        root[[1, 2, 2], [0, 0, 1]] = below_k
        precisions.append(root.T @ root)
    weights = np.exp(alpha) / np.exp(alpha).sum()
    for x in np.array(GMM["x"]):
        parts = zip(weights, mu, precisions, strict=True)
        total += np.log(sum(w * multivariate_normal.pdf(x, m, np.linalg.inv(p)) for w, m, p in parts))
    prior = wishart(df=GMM["d"] + GMM["m"] + 1, scale=np.eye(3) / GMM["gamma"] ** 2)
    return total + sum(prior.logpdf(p) for p in precisions)


def test_gaussian_mixture(answers):
    pytest.importorskip("scipy")
    names = "alpha", "mu", "q", "l"
    given = [np.array(GMM[name]) for name in names]
    assert answers["gmm"] == pytest.approx(log_posterior(*given), rel=1e-9)
    for k, name in enumerate(names):
        expected = slopes(lambda x, k=k: log_posterior(*given[:k], x, *given[k + 1 :]), given[k])
        assert np.ravel(answers["gmm gradient"][name]) == pytest.approx(expected, abs=1e-6)


def lstm_loss(main, extra):
    """On arrays."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    b = 2
    state, total = np.array(LSTM["state"]), 0.0
    sequence = np.array(LSTM["sequence"])
    for now, after in itertools.pairwise(sequence):
        x = now * extra[0]
        for k in range(2):
            w, bias = main[2 * k].reshape(4, b), main[2 * k + 1].reshape(4, b)
            hidden, cell = state[2 * k].copy(), state[2 * k + 1].copy()
            forget, leave = sigmoid(x * w[0] + bias[0]), sigmoid(x * w[2] + bias[2])
            enter, change = sigmoid(hidden * w[1] + bias[1]), np.tanh(hidden * w[3] + bias[3])
            state[2 * k + 1] = cell * forget + enter * change
            state[2 * k] = x = leave * np.tanh(state[2 * k + 1])
        y = x * extra[1] + extra[2]
        total += after @ (y - np.log(np.exp(y).sum() + 2))
    return -total / (3 * b)


def test_lstm(answers):
    main, extra = np.array(LSTM["main_params"]), np.array(LSTM["extra_params"])
    assert answers["lstm"] == pytest.approx(lstm_loss(main, extra))
    expected = [*slopes(lambda x: lstm_loss(x, extra), main), *slopes(lambda x: lstm_loss(main, x), extra)]
    assert answers["lstm gradient"] == pytest.approx(expected, abs=1e-8)


def reprojected(numbers):
    """Both errors of one observation, the rotation as a matrix."""
    cam, x, w = numbers[:11], numbers[11:14], numbers[14]
    angle = np.linalg.norm(cam[:3])
    a, b, c = cam[:3] / angle
    k = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    seen = (np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k) @ (x - cam[3:6])
    flat = seen[:2] / seen[2]
    square = flat @ flat
    flat = flat * (1 + cam[9] * square + cam[10] * square**2)
    return w * (flat * cam[6] + cam[7:9] - np.array(BA["feat"]))


def test_bundle_adjustment(answers):
    numbers = np.array([*BA["cam"], *BA["x"], BA["w"]])
    found = answers["ba"]
    assert found["reproj_error"]["elements"] == pytest.approx(reprojected(numbers))
    assert (found["reproj_error"]["repeated"], found["w_err"]["repeated"]) == (7, 7)
    assert found["w_err"]["element"] == pytest.approx(1 - 0.81)
    jacobian = answers["ba jacobian"]
    expected = [slopes(lambda v, k=k: reprojected(v)[k], numbers) for k in range(2)]
    assert jacobian["vals"][:30] == pytest.approx(np.ravel(expected), abs=1e-6)
    assert jacobian["vals"][30] == pytest.approx(-1.8)
    columns = [*range(11), 33, 34, 35, 45]
    assert jacobian["cols"] == [*columns, *columns, 51]
    assert jacobian["rows"] == [*[*range(0, 15 * 14, 15), *range(210, 218)][:30], 217]


BONES = 22
VERTICES = 12


def hand(*, triangles):
    """A small hand: random bones and vertices, as many as there are fingers for."""
    rng = np.random.default_rng(3)
    frames = np.tile(np.eye(4), (2, BONES, 1, 1)) + 0.1 * rng.normal(size=(2, BONES, 4, 4)) * [[[1], [1], [1], [0]]]
    base = np.concatenate([rng.normal(size=(VERTICES, 3)), np.ones((VERTICES, 1))], 1)
    model = {
        "bone_count": BONES, "bone_names": [f"b{k}" for k in range(BONES)], "parents": [-1, *range(BONES - 1)],
        "base_relatives": frames[0].tolist(), "inverse_base_absolutes": frames[1].tolist(),
        "base_positions": base.tolist(), "weights": rng.dirichlet(np.ones(BONES), VERTICES).tolist(),
        "triangles": [[0, 1, 2], [3, 4, 5], [6, 7, 8]], "is_mirrored": triangles,
    }  # fmt: skip
    data = {"model": model, "correspondences": [2, 0, 1, 1], "points": rng.normal(size=(4, 3)).tolist()}
    us = rng.random((4, 2)).tolist() if triangles else []
    return {"theta": (0.3 * rng.normal(size=26)).tolist(), "data": data, "us": us}


def rotation(axis, angle):
    """About one of the three axes."""
    c, s = np.cos(angle), np.sin(angle)
    found = np.eye(4)
    a, b = [k for k in range(3) if k != axis]
    sign = -1 if axis == 1 else 1
    found[a, a], found[a, b], found[b, a], found[b, b] = c, -sign * s, sign * s, c
    return found


def hand_errors(given, theta, us):
    """All vertices as one matrix, then those that are asked for."""
    from scipy.spatial.transform import Rotation

    model = given["data"]["model"]
    bends = np.zeros((BONES, 2))
    for finger in range(5):
        first = 2 + 4 * finger
        bends[first : first + 3, 0] = theta[6 + 4 * finger], *theta[8 + 4 * finger : 10 + 4 * finger]
        bends[first, 1] = theta[7 + 4 * finger]
    base, absolute = np.array(model["base_positions"]).T, np.eye(4)
    places = np.zeros((4, VERTICES))
    for k in range(BONES):
        turn = rotation(2, bends[k, 1]) @ rotation(0, bends[k, 0])
        absolute = absolute @ np.array(model["base_relatives"][k]) @ turn
        bone = absolute @ np.array(model["inverse_base_absolutes"][k])
        places += bone @ base * np.array(model["weights"])[:, k]
    places = places[:3] * np.array([[-1.0 if model["is_mirrored"] else 1.0], [1.0], [1.0]])
    places = Rotation.from_rotvec(theta[:3]).as_matrix() @ places + theta[3:6, None]
    chosen = given["data"]["correspondences"]
    if len(us):
        corners = places[:, np.array(model["triangles"])[chosen]]
        found = np.einsum("jpc,pc->pj", corners, np.stack([us[:, 0], us[:, 1], 1 - us.sum(1)], 1))
    else:
        found = places[:, chosen].T
    return (np.array(given["data"]["points"]) - found).ravel()


@pytest.mark.parametrize("triangles", [False, True])
def test_hand_tracking(triangles):
    pytest.importorskip("scipy")
    given = hand(triangles=triangles)
    theta, us = np.array(given["theta"]), np.array(given["us"]).reshape(-1, 2)
    errors, jacobian = asked(("ht", "objective", given), ("ht", "jacobian", given))
    assert errors == pytest.approx(hand_errors(given, theta, us))
    by_theta = [slopes(lambda v, i=i: hand_errors(given, v, us)[i], theta) for i in range(12)]
    found = np.array(jacobian)
    assert found[:, -26:] == pytest.approx(np.array(by_theta), abs=1e-6)
    if triangles:
        by_u = [slopes(lambda v, i=i: hand_errors(given, theta, v)[i], us).reshape(-1, 2)[i // 3] for i in range(12)]
        assert found[:, :2] == pytest.approx(np.array(by_u), abs=1e-6)
    else:
        assert found.shape == (12, 26)


@pytest.mark.parametrize("function", ["rr", "rf", "fr", "ff"])
def test_saddle_and_particle_are_defined_in_all_modes(function):
    """Whole searches take long: the particle's path and its derivative, and a search over one function, stand for them."""
    sys.path.insert(0, str(TOOL.parent))
    try:
        from programs import particle, saddle
        from programs.descent import argmin
    finally:
        sys.path.remove(str(TOOL.parent))
    assert {function} <= {*particle.FUNCTIONS} & {*saddle.FUNCTIONS}
    outer, inner = function
    force = particle.by_reverse if inner == "r" else particle.by_forward
    slope = (particle.missed_by(1e-4, force) - particle.missed_by(-1e-4, force)) / 2e-4
    import autograd_core as ag

    of_w = ag.grad(lambda w: particle.missed_by(w, force)) if outer == "r" else (
        lambda w: ag.jvp(lambda w: particle.missed_by(w, force), (w,), (1.0,))[1]
    )
    assert of_w(0.0) == pytest.approx(slope, rel=1e-5)
    assert np.abs(saddle.highest([0.3, 0.2], [1.0, 1.0], inner)).max() < 1e-4
    found = argmin(lambda x: (x[0] - 1) ** 2, lambda x: saddle.slopes(lambda x: (x[0] - 1) ** 2, x, outer), [0.0])
    assert found[0] == pytest.approx(1, abs=1e-4)
