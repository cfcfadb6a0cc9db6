"""Every error: one base class, and one that Python's own code knows."""

import inspect

import pytest

import autograd_core as ag
from autograd_core import errors

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]
ERRORS = [cls for cls in CLASSES if not issubclass(cls, Warning)]


@pytest.mark.parametrize("cls", ERRORS, ids=lambda c: c.__name__)
def test_one_base_class_and_a_type_or_value_error(cls):
    assert issubclass(cls, ag.AutogradError)
    assert cls is ag.AutogradError or issubclass(cls, (TypeError, ValueError))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_each_is_public(cls):
    assert getattr(ag, cls.__name__) is cls


def test_the_warning_is_a_user_warning():
    assert issubclass(ag.GraphCutWarning, UserWarning)
    assert not issubclass(ag.GraphCutWarning, Exception) or issubclass(ag.GraphCutWarning, Warning)


def test_a_message_shows_long_things_shortened():
    with pytest.raises(ag.OperandError) as caught:
        ag.Value("x" * 1000)
    assert len(str(caught.value)) < 150
    assert "(str)" in str(caught.value)
