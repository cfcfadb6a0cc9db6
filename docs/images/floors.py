"""The picture of the floors in ARCHITECTURE.md, from the imports as they are: `python docs/images/floors.py`.

Each room stands on those to its left; an arrow that others imply is left out, and so is the one exception: number
systems read the table of primitives, `engine/ops.py` and `engine/primitives`, which itself needs no other room.
"""

from __future__ import annotations

import ast
from pathlib import Path

from autograd_core._src.pictures.layout.nested import plan
from autograd_core._src.pictures.render import svg
from autograd_core._src.pictures.scene.cards import FOLD_HEIGHT, FOLD_WIDTH, Port, Scene, blank_card

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "number_systems": "doubles, 50 digits, LLVM",
    "engine": "rules, Value, backward()",
    "transforms": "grad, hessian, jvp, vjp",
    "notation": "names, formulas, parser",
    "steps": "a sweep, step by step",
    "pictures": "draw, Stepper",
    "explanation": "paths, uses, conditioning",
    "compiler": "compile, bind, to_c",
    "testing": "check_gradient, points",
    "nn": "layers, fit, diagnose",
}
TABLE = ("autograd_core._src.engine.ops", "autograd_core._src.engine.primitives")
SIZE = (FOLD_WIDTH, FOLD_HEIGHT)


def room_of(module: str) -> str | None:
    """The room that a module stands in."""
    parts = module.split(".")
    found = "nn" if parts[0] == "nn" else parts[2] if parts[:2] == ["autograd_core", "_src"] and len(parts) > 2 else ""
    return found if found in ROOMS else None


def imports() -> dict[str, set[str]]:
    """For every room those that its modules import when they run."""
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    front = ast.parse((ROOT / "autograd_core" / "__init__.py").read_text(encoding="utf-8"))
    for node in ast.walk(front):  # nn enters by the front door
        if isinstance(node, ast.ImportFrom) and node.level and (room := room_of(f"autograd_core.{node.module}")):
            found["nn"].add(room)
    for path in [*ROOT.glob("autograd_core/**/*.py"), *ROOT.glob("nn/**/*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        here = room_of(".".join(parts))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing = {id(x) for n in tree.body if isinstance(n, ast.If) for x in ast.walk(n)}
        for node in ast.walk(tree):
            if here and isinstance(node, ast.ImportFrom) and id(node) not in typing:
                base = [*(parts[: len(parts) - node.level] if node.level else ()), *filter(None, [node.module])]
                modules = [".".join((*base, alias.name)) for alias in node.names]
                modules = [m for m in modules if here != "number_systems" or not m.startswith(TABLE)]
                found[here] |= {there for m in modules if (there := room_of(m)) and there != here}
    return found


def below(room: str, edges: dict[str, set[str]]) -> set[str]:
    """All rooms that one stands on, directly or not."""
    found: set[str] = set()
    waiting = list(edges[room])
    while waiting:
        there = waiting.pop()
        if there not in found:
            found.add(there)
            waiting += edges[there]
    return found


def picture() -> str:
    """The SVG."""
    edges = imports()
    order = list(ROOMS)
    cards = {}
    for i, room in enumerate(order):
        near = {x for x in edges[room] if not any(x in below(y, edges) for y in edges[room] if y != x)}
        ports = tuple(
            Port(k, order.index(x), "", is_constant=False, is_dead=False, title=f"{room} imports {x}")
            for k, x in enumerate(sorted(near, key=order.index))
        )
        card = blank_card(i, (), room, SIZE, f"{room}: {ROOMS[room]}", kind="fold")
        cards[i] = card._replace(ports=ports, caption=ROOMS[room], captions=("", ""), value=" ", grad=" ")
    said = " ".join(f"{room} imports {', '.join(sorted(x))}." for room, x in edges.items() if x)
    scene = Scene(cards, "LR", has_grads=False, description=said, card_of={i: i for i in cards})
    title = "Floors: a room imports those to its left"
    return svg.write(scene, plan(scene, "builtin"), title=title, theme="auto")


if __name__ == "__main__":
    (ROOT / "docs" / "images" / "floors.svg").write_text(picture(), encoding="utf-8")
