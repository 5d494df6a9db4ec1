"""How programs end."""

import pytest

from ocean_gcm.errors import INTERRUPTED, UserError, exit_code


def raising(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_program_says_how_it_ends(result, code):
    assert exit_code(lambda: result, "name") == code


def test_a_mistake_is_one_line(capsys):
    assert exit_code(raising(UserError("the key\n   x is 3")), "name") == 2
    assert capsys.readouterr().err == "name: the key x is 3\n"


def test_an_interruption(capsys):
    assert exit_code(raising(KeyboardInterrupt()), "name", stopped="stopped; --resume") == INTERRUPTED == 130
    assert capsys.readouterr().err == "name: stopped; --resume\n"


def test_other_errors_are_bugs():
    with pytest.raises(ZeroDivisionError):
        exit_code(lambda: 1 // 0, "name")
