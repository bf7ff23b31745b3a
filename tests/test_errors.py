"""Errors: each one sentence, each also the builtin that one expects, and each survives a process boundary."""

import pickle

import pytest

from skiagraph import errors

TREE = {
    "InvalidInput": ValueError,
    "GeometryError": ValueError,
    "FrameMismatch": errors.GeometryError,
    "UnknownSize": errors.GeometryError,
    "FormatError": ValueError,
    "NoDicomHome": errors.InvalidInput,
    "MissingInput": FileNotFoundError,
    "NotPermitted": PermissionError,
    "ProcessLost": ConnectionError,
    "WriteFailed": OSError,
    "MissingPackage": ImportError,
    "UnknownName": LookupError,
    "BundleError": ValueError,
    "StateError": RuntimeError,
    "ContractError": TypeError,
}


def test_every_error_stands_in_the_tree():
    assert set(errors.__all__) == {*TREE, "SkiagraphError"}


@pytest.mark.parametrize(("name", "builtin"), TREE.items())
def test_an_error_is_also_the_builtin_that_one_expects(name, builtin):
    assert issubclass(getattr(errors, name), (errors.SkiagraphError, builtin))
    assert issubclass(getattr(errors, name), builtin)
    assert issubclass(getattr(errors, name), errors.SkiagraphError)


@pytest.mark.parametrize("name", [*TREE, "SkiagraphError"])
def test_the_message_is_one_sentence_of_rule_what_came_and_way_out(name):
    kind = getattr(errors, name)
    error = kind("a spacing is positive", got="-1.0", way_out="give its pixel size.")
    assert str(error) == "a spacing is positive; got -1.0; give its pixel size."
    assert str(kind("a spacing is positive.")) == "a spacing is positive."


@pytest.mark.parametrize("name", [*TREE, "SkiagraphError"])
def test_an_error_is_the_same_in_another_process(name):
    error = getattr(errors, name)("rule", got="x", way_out="do y")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.rule, again.got, again.way_out) == (str(error), "rule", "x", "do y")
