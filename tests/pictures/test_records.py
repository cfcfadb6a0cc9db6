"""`draw_dot`: micrograd's records, and labels that DOT would read as commands."""

from __future__ import annotations

import re
from fractions import Fraction

import graphviz
import pytest
from graphs import GRAPHS, HOSTILE

import autograd_core as ag
from autograd_core._src.pictures import draw_dot


def test_micrograd_s_look():
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    c = a * b
    c.backward()
    dot = draw_dot(c)
    assert isinstance(dot, graphviz.Digraph)
    assert dot.format == "svg"
    lines = [line.strip() for line in dot.source.splitlines()]
    assert lines == [
        "digraph {",
        "graph [rankdir=LR]",
        'n0 [label="{ a | data 2.0000 | grad -3.0000 }" shape=record]',
        'n1 [label="{ b | data -3.0000 | grad 2.0000 }" shape=record]',
        'n2 [label="{ data -6.0000 | grad 1.0000 }" shape=record]',
        'n2op [label="*"]',
        "n2op -> n2",
        "n0 -> n2op",
        "n1 -> n2op",
        "}",
    ]


@pytest.mark.parametrize("name", GRAPHS)
def test_every_operand_has_an_edge(name):
    root = GRAPHS[name]()
    nodes, edges = ag.trace(root)
    source = draw_dot(root, rankdir="TB").source
    assert len(re.findall(r"^\tn\d+ -> n\d+op$", source, re.MULTILINE)) == len(edges)
    assert len(re.findall(r"^\tn\d+ \[.*shape=record\]$", source, re.MULTILINE)) == len(nodes)


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_stay_within_their_field(label):
    source = draw_dot(ag.Value(1.0, label=label)).source
    lines = source.splitlines()
    assert len(lines) == 4
    found = re.fullmatch(r'\tn0 \[label="\{ (?:(.*) \| )?data 1\.0000 \| grad 0\.0000 \}" shape=record\]', lines[2])
    assert found is not None
    field = found[1] or ""
    assert len(field) < 400
    assert not re.search(r'(?<!\\)["{}|<>]', re.sub(r"\\\\", "", field))
    assert "\x00" not in field


def test_numbers_of_every_kind():
    x = ag.Value(Fraction(1, 3))
    assert "data 1/3" in draw_dot(x).source
    assert "data nan" in draw_dot(ag.Value(float("nan"))).source
    assert "data -inf" in draw_dot(ag.Value(float("-inf"))).source
    assert "data 1.0000e+300" in draw_dot(ag.Value(1e300)).source
    assert "data ≈1e400" in draw_dot(ag.Value(Fraction(10**400))).source


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((None,), {}, ag.OperandError, r"expected a Value, got None \(NoneType\)"),
        ((ag.Value(1.0),), {"rankdir": "up"}, ag.RangeError, "expected rankdir to be 'LR' or 'TB', got 'up'"),
        ((ag.Value(1.0),), {"format": "word"}, ag.RangeError, "expected a format that Graphviz writes"),
    ],
)
def test_bad_options_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        draw_dot(*arguments, **options)
