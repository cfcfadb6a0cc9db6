"""What a watch sees change, wherever it hangs."""

import random

import pytest

from nn.training.side_effects import Watch


class Counter:
    """Its repr says nothing of its count."""

    def __init__(self):
        self.count = 0

    def __repr__(self):
        return "<Counter>"


@pytest.mark.parametrize("holder", [list, tuple, lambda xs: {"a": xs[0], "b": xs[1]}], ids=["list", "tuple", "dict"])
def test_containers_of_numbers_and_objects_are_looked_into(holder):
    counter = Counter()
    watch = Watch(model=holder([1.0, counter]))
    assert watch.changed() is None
    counter.count += 1
    assert watch.changed().startswith("model[")


def test_a_generator_beside_a_number_is_seen():
    generator = random.Random(1)
    watch = Watch(model=[1.0, generator])
    generator.random()
    assert watch.changed() == "model[1]"
