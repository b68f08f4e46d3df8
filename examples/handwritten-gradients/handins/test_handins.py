"""One test for each file that was handed in: the gradient of the logistic loss."""

import runpy
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "class_of_three").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_gradient(symgrad, record_property, file):
    record_property("student", file.stem)
    gradient = runpy.run_path(str(file))["gradient"]
    shapes = "X: R^{m x n}; y: R^m; w: R^n"
    symgrad.assert_derivative("sum(log(1 + exp(-y.*(X*w))))", "w", where=shapes, claimed=gradient)
