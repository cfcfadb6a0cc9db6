"""Files that were damaged, or written by somebody else: the error names the file, and nothing has changed."""

import json
import random

import pytest

import autograd_core as ag
import nn

ODD = [True, None, -1, 1e308, 10**400, "inf", "nan", "1/3", "1/0", "", "é", "\ud800", "x" * 100_000, [], {}, [[]], {"a": 1}, 0, 0.5, [0.5], "StandardScaler"]


def optimizer(name="Adam"):
    model = nn.MLP(1, [1, 1], seed=0)
    opt = getattr(nn, name)(model, lr=nn.schedules.warmup(nn.schedules.cosine(0.1, steps=30), steps=3))
    for p in model.parameters():
        p.grad = 0.5
    opt.step()
    return opt


def fitted(scaler):
    return scaler.fit([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]])


def dropout():
    return nn.Sequential(nn.Linear(1, 1, seed=0), nn.Dropout(0.5, seed=1))


MAKERS = {
    "model": lambda: nn.MLP(1, [1, 1], seed=0), "dropout": dropout, "Adam": optimizer, "SGD": lambda: optimizer("SGD"),
    "schedule": lambda: nn.schedules.warmup(nn.schedules.cosine(0.1, steps=30), steps=3), "StandardScaler": lambda: fitted(nn.StandardScaler()),
    "MinMaxScaler": lambda: fitted(nn.MinMaxScaler()), "OneHotEncoder": lambda: fitted(nn.OneHotEncoder()),
}  # fmt: skip


def look(x):
    if isinstance(x, nn.Module):
        return x.state_dict(), [repr(rng.getstate()) for _, rng in x._generators()]
    if hasattr(x, "state_dict"):
        return repr(x.state_dict())
    return repr(vars(x))


def places(tree, path=()):
    yield path
    for key, x in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(x, (*path, key))


def replaced(tree, path, x):
    if not path:
        return x
    copied = dict(tree) if isinstance(tree, dict) else list(tree)
    copied[path[0]] = replaced(copied[path[0]], path[1:], x)
    return copied


def renamed(tree, path, name):
    if len(path) > 1:
        copied = dict(tree) if isinstance(tree, dict) else list(tree)
        copied[path[0]] = renamed(copied[path[0]], path[1:], name)
        return copied
    return {name if key == path[0] else key: x for key, x in tree.items()} if isinstance(tree, dict) else tree


def is_refused_or_whole(make, path, *, may_change):
    victim = make()
    before = look(victim)
    said = ""
    try:
        victim.load(path)
    except ag.AutogradError as error:
        said = str(error)
    if said:
        assert str(path) in said
        assert len(said) < 1000
        assert "attribute" not in said
    if said or not may_change:
        assert look(victim) == before
    look(victim)
    return bool(said)


@pytest.mark.parametrize("name", MAKERS)
def test_values_that_do_not_belong_there(name, tmp_path):
    make, path = MAKERS[name], tmp_path / "kept.json"
    make().save(path)
    content = json.loads(path.read_text())
    del content["checksum"]
    refused = 0
    for place in places(content):
        for odd in ODD:
            path.write_text(json.dumps(replaced(content, place, odd)), encoding="utf-8", errors="surrogatepass")
            refused += is_refused_or_whole(make, path, may_change=True)
        if place and isinstance(place[-1], str):
            path.write_text(json.dumps(renamed(content, place, "é")))
            refused += is_refused_or_whole(make, path, may_change=True)
    assert refused > 50
    path.write_text(json.dumps(content))
    make().load(path)


def test_the_name_of_a_model_is_compared_in_linear_time(tmp_path):
    path = tmp_path / "kept.json"
    nn.MLP(1, [1]).save(path)
    content = json.loads(path.read_text())
    del content["checksum"]
    for odd in ("x", "a(", "a()", "a(), ", "(", "a(b), "):
        path.write_text(json.dumps(content | {"model": odd * (2_000_000 // len(odd))}))
        with pytest.raises(ag.StructureError, match="expected parameters of MLP"):
            nn.MLP(1, [1]).load(path)


@pytest.mark.parametrize("name", MAKERS)
def test_bytes_that_changed(name, tmp_path):
    make, path, rng = MAKERS[name], tmp_path / "kept.json", random.Random(1)
    make().save(path)
    good = path.read_bytes()
    for _ in range(150):
        bad, i = bytearray(good), rng.randrange(len(good))
        match rng.randrange(4):
            case 0:
                bad[i] ^= 1 << rng.randrange(8)
            case 1:
                del bad[i:]
            case 2:
                del bad[i : i + rng.randrange(1, 50)]
            case _:
                bad[i : i + 30] = bytes(len(bad[i : i + 30]))
        path.write_bytes(bad)
        is_refused_or_whole(make, path, may_change=False)


def test_a_program_of_an_unknown_primitive_names_the_file(tmp_path):
    np = pytest.importorskip("numpy")
    path = tmp_path / "program.npz"
    ag.compile(lambda x: ag.sin(x), 1.0).program.save(path)
    with np.load(path) as found:
        arrays = dict(found)
    arrays["primitives"] = np.array([[x.replace("sin", "sine") for x in row] for row in arrays["primitives"].tolist()])
    np.savez(path, **arrays)
    with pytest.raises(ag.AutogradError, match=r"program\.npz.*sine"):
        ag.Program.load(path)
