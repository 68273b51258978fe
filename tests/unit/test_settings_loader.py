"""The one reader of the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import setting
from tracestream.settings import SettingsError, load, unknown, variables

HERE = Path("here")
NAMES = ("A_TEXT", "A_WHOLE", "A_NUMBER", "A_SWITCH", "A_PATH", "SOME_NAMES", "MAYBE", "PASSWORD")


@dataclass(frozen=True, slots=True)
class Example:
    text: str = setting("A_TEXT", "fallback", "A text.")
    whole: int = setting("A_WHOLE", 7, "A whole number.", unit="records")
    number: float = setting("A_NUMBER", 1.5, "A number.")
    switch: bool = setting("A_SWITCH", False, "A switch.")
    path: Path = setting("A_PATH", HERE, "A path.")
    names: tuple[str, ...] = setting("SOME_NAMES", (), "Names.")
    maybe: int | None = setting("MAYBE", None, "A number, or none.")
    password: str | None = setting("PASSWORD", None, "A secret.", secret=True)
    port: int | None = setting("A_PORT", None, "A secret number.", secret=True)
    computed: int = 3


def test_without_variables_the_defaults_hold() -> None:
    assert load(Example, {}) == Example()


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", " ", "\t"])))
def test_a_blank_variable_is_the_same_as_none(environ: dict[str, str]) -> None:
    assert load(Example, environ) == Example()


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.integers())
def test_what_is_written_is_what_is_read(whole: int, number: float, switch: bool, maybe: int) -> None:
    environ = {"A_WHOLE": str(whole), "A_NUMBER": repr(number), "A_SWITCH": str(switch), "MAYBE": str(maybe)}
    assert load(Example, environ) == Example(whole=whole, number=number, switch=switch, maybe=maybe)


@given(st.lists(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1)))
def test_a_list_is_separated_by_commas(names: list[str]) -> None:
    assert load(Example, {"SOME_NAMES": " , ".join(names)}).names == tuple(names)


@given(st.text(min_size=1).filter(str.strip))
def test_a_text_is_taken_as_it_is(text: str) -> None:
    assert load(Example, {"A_TEXT": text}).text == text


@pytest.mark.parametrize("word", ["1", "true", "YES", "On"])
def test_words_that_switch_on(word: str) -> None:
    assert load(Example, {"A_SWITCH": word}).switch is True


def test_a_path_may_begin_with_the_home_folder() -> None:
    assert load(Example, {"A_PATH": "~/x"}).path == Path.home() / "x"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("A_WHOLE", "12.5", "a whole number of records"),
        ("A_NUMBER", "inf", "a number"),
        ("A_NUMBER", "ten", "a number"),
        ("A_SWITCH", "maybe", "one of 1, on, true, yes or 0, false, no, off"),
        ("MAYBE", "x", "a whole number"),
    ],
)
def test_an_error_names_the_variable_the_value_and_what_is_wanted(name: str, value: str, wanted: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Example, {name: value})
    assert str(caught.value) == f"{name} has the value {value!r}, but must be {wanted}."


def test_an_error_about_a_secret_does_not_repeat_it() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Example, {"A_PORT": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert "A_PORT" in str(caught.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(" p w\n")
    assert load(Example, {"PASSWORD_FILE": str(tmp_path / "password")}).password == " p w"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("b")
    with pytest.raises(SettingsError, match="both set"):
        load(Example, {"PASSWORD": "a", "PASSWORD_FILE": str(tmp_path / "password")})


def test_a_file_of_a_secret_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match="PASSWORD_FILE names a file"):
        load(Example, {"PASSWORD_FILE": "/nowhere/at/all"})


def test_only_a_secret_has_a_file_form() -> None:
    assert load(Example, {"A_TEXT_FILE": "/etc/hostname"}).text == "fallback"
    assert "PASSWORD_FILE" in variables([Example])
    assert "A_TEXT_FILE" not in variables([Example])


def test_an_unknown_variable_is_warned_of_with_the_nearest_name() -> None:
    known = {"TRACE_TOPIC_PREFIX", "TRACE_PARTITIONS"}
    warnings = unknown({"TRACE_TOPIC_PREFX": "x", "TRACE_PARTITIONS": "3", "PATH": "/bin"}, known)
    assert warnings == [
        "TRACE_TOPIC_PREFX is not a setting of Tracestream and has no effect. Did you mean TRACE_TOPIC_PREFIX?"
    ]


def test_an_unknown_variable_like_no_other_gets_no_suggestion() -> None:
    (warning,) = unknown({"TRACE_ZZZ": "x"}, {"TRACE_PARTITIONS"})
    assert "Did you mean" not in warning
