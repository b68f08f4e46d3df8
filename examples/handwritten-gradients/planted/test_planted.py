"""Every test here fails, and that is what it is for: symgrad catches each bug and says what was done wrong."""

import pytest
from bugs import BUGS


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.mistake)
def test_planted(symgrad, bug):
    symgrad.assert_derivative(bug.formula, bug.wrt, where=bug.where, claimed=bug.code)
