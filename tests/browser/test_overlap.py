"""No text lies on another, none leaves its card: measured where a browser has set it in its own fonts."""

import fnmatch

import graphs
import pytest

import autograd_core as ag
import nn

SLACK = 0.75  # pixels that boxes may share: rounding, and a rim of the letters' boxes that holds no ink
# The box of a line of text is higher than its letters: this part of it at the top and at the bottom is empty.
LEADING = 0.17


def moons_loss():
    """What a reader of the network notebooks draws: two layers of eight, one case, its loss."""
    X, y = nn.datasets.moons(4, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [8, 1], seed=1)
    loss = nn.hinge(model(list(X[0])), y[0])
    loss.backward()
    return loss


def second_order():
    """A gradient graph."""
    x, w = ag.Value(0.5, label="x"), ag.Value(-3.0, label="w")
    (slope,) = ag.grad_of(ag.tanh(x * w) + x**2, [w], create_graph=True)
    slope.backward()
    return slope


GRAPHS = graphs.GRAPHS | {
    "moons_loss": moons_loss,
    "second_order": second_order,
    "many": lambda: graphs.many(400),
    "deep": lambda: graphs.network((2, 6, 6, 1)),
}
WAYS = {
    "full": {},
    "left to right": {"direction": "LR"},
    "top to bottom": {"direction": "TB"},
    "compact": {"style": "compact"},
    "dark": {"theme": "dark"},
}
FOLDED = {
    "folded": {"fold": "*", "title": "Folded: every scope of the outermost level is one card"},
    "folded within": {"fold": "*/*"},
}

SCOPED = ("network", "hostile", "tangled", "moons_loss", "deep")

MEASURE = """(slack) => {
    const svg = document.querySelector("svg");
    const boxOf = (element) => { const {left, right, top, bottom} = element.getBoundingClientRect(); return [left, top, right, bottom]; };
    const texts = [...svg.querySelectorAll("text:not(.scoperim)")].filter((text) => text.textContent.trim() && text.getClientRects().length);
    return {
        texts: texts.map((text) => {
            const card = text.closest(".card"), port = text.closest("[data-operand]");
            const holder = port ? port.querySelector("rect") : card && card.querySelector(".face");
            return {says: text.textContent.slice(0, 40), box: boxOf(text), card: card ? card.dataset.node : null,
                    holder: holder ? boxOf(holder) : null, of: text.getAttribute("class")};
        }),
        faces: [...svg.querySelectorAll(".card")].map((card) => [card.dataset.node, boxOf(card.querySelector(".face, .junction"))]),
        whole: boxOf(svg),
    };
}"""


def inked(box):
    left, top, right, bottom = box
    rim = LEADING * (bottom - top)
    return left + SLACK / 2, top + rim, right - SLACK / 2, bottom - rim


def meet(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def within(a, b):
    return a[0] >= b[0] - SLACK and a[1] >= b[1] - SLACK and a[2] <= b[2] + SLACK and a[3] <= b[3] + SLACK


def faults(found):
    """Every pair of texts that meet, every text that leaves its holder or the picture, or lies on a card that is not its own."""
    texts = [(text, inked(text["box"])) for text in found["texts"]]
    texts.sort(key=lambda entry: entry[1][0])
    for k, (text, box) in enumerate(texts):
        if not within(box, found["whole"]):
            yield f"{text['says']!r} leaves the picture"
        if text["holder"] and not within(box, text["holder"]):
            yield f"{text['says']!r} ({text['of']}) leaves its card: {box} of {text['holder']}"
        for other, its in texts[k + 1 :]:
            if its[0] >= box[2]:
                break  # all further ones begin right of this one's end
            if meet(box, its):
                yield f"{text['says']!r} ({text['of']}) lies on {other['says']!r} ({other['of']})"
        for node, face in found["faces"]:
            if node != text["card"] and meet(box, inked(face)):
                yield f"{text['says']!r} ({text['of']}) lies on the card of node {node}"


@pytest.mark.parametrize("name", GRAPHS)
def test_no_text_overlaps(name, page):
    root = GRAPHS[name]()
    wrong = []
    for way, options in (WAYS | FOLDED if name in SCOPED else WAYS).items():
        page.set_content(f"<!doctype html><body style='margin:0'>{ag.draw(root, **options).svg}")
        page.evaluate("document.querySelector('svg').style = ''")  # at its own size: a smaller one only rounds more
        found = page.evaluate(MEASURE, SLACK)
        assert found["texts"]
        wrong += [f"{way}: {fault}" for fault in faults(found)]
    assert wrong == []


def test_faults_are_noticed(page):
    """Planted: two texts on each other, one out of its card, one on another's card, one out of the picture."""
    page.set_content("""<!doctype html><svg width="300" height="200" viewBox="0 0 300 200" font-family="monospace" font-size="12">
        <g class="card" data-node="0"><rect class="face" x="10" y="10" width="100" height="60"/>
            <text x="20" y="30">first</text><text x="24" y="33">second</text><text x="80" y="60">much too long</text></g>
        <g class="card" data-node="1"><rect class="face" x="150" y="100" width="100" height="60"/></g>
        <text x="160" y="130">stray</text><text x="290" y="190">beyond</text></svg>""")
    said = sorted(faults(page.evaluate(MEASURE, SLACK)))
    for pattern in (
        "'beyond' leaves*",
        "'first' * lies on 'second'*",
        "'much too long' * leaves its card*",
        "'stray' * lies on the card of node 1",
    ):
        assert fnmatch.filter(said, pattern), (pattern, said)
    assert len(said) == 4
