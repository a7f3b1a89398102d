"""The form parser on generated input: it agrees with honest encoders and never breaks."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apogee_idp.web.form import MalformedForm, decode_component, parse_form

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_what_an_encoder_wrote_is_read_back(pairs: list[tuple[str, str]]) -> None:
    """Names and values, in order, whatever they hold."""
    assert parse_form(urlencode(pairs).encode()) == pairs


@given(st.binary())
@example(b"%")
@example(b"a=%ed%a0%80")
@example(b"&&=&=&")
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Never another exception; what is read, Python's lenient parser reads in the same way."""
    try:
        pairs = parse_form(body)
    except MalformedForm:
        return
    assert "\0" not in "".join(name + value for name, value in pairs)
    if body.isascii():
        lenient = parse_qsl(body, keep_blank_values=True, encoding="utf-8")
        assert [(name.encode(), value.encode()) for name, value in pairs] == lenient


@given(TEXT)
def test_both_halves_of_Basic_round_trip(text: str) -> None:
    """R-TE-08: form-encoded, as RFC 6749 §2.3.1 wants them."""
    assert decode_component(quote_plus(text).encode()) == text


@pytest.mark.parametrize(
    "broken", [b"%", b"%1", b"%g0", b"%-1", b"% 1", b"%+1", b"%%41", b"%u0041"]
)
def test_a_broken_escape_is_refused(broken: bytes) -> None:
    """Not kept as it stands, which is what frameworks do."""
    with pytest.raises(MalformedForm, match="escape"):
        decode_component(b"a" + broken)
