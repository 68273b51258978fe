"""Oracle's NUMBER on the wire: a byte for sign and exponent, then the digits in base 100."""

from __future__ import annotations

from decimal import Decimal

_MOST_PAIRS = 20
_NEGATIVE_END = 102
_ZERO = b"\x80"


class NumberOutOfRangeError(ValueError):
    """Not a NUMBER: too large, too small or with too many digits."""


def encode_number(value: int | Decimal) -> bytes:
    """At most 21 bytes. Raises NumberOutOfRangeError for what Oracle cannot hold either."""
    if isinstance(value, int):
        sign, digits, exponent = int(value < 0), str(abs(value)), 0
    else:
        if not value.is_finite():
            raise NumberOutOfRangeError(f"{value} is no NUMBER")
        parts = value.as_tuple()
        assert isinstance(parts.exponent, int)
        sign, digits, exponent = parts.sign, "".join(map(str, parts.digits)), parts.exponent
    bare = digits.lstrip("0")
    if not bare:
        return _ZERO
    short = bare.rstrip("0")
    exponent += len(bare) - len(short)
    if exponent % 2:
        short, exponent = short + "0", exponent - 1
    if len(short) % 2:
        short = "0" + short
    pairs = [int(short[at : at + 2]) for at in range(0, len(short), 2)]
    power = len(pairs) - 1 + exponent // 2
    if len(pairs) > _MOST_PAIRS or not -65 <= power <= 62:
        raise NumberOutOfRangeError(f"{value} is no NUMBER")
    if sign:
        ending = [_NEGATIVE_END] if len(pairs) < _MOST_PAIRS else []
        return bytes([62 - power, *(101 - pair for pair in pairs), *ending])
    return bytes([193 + power, *(pair + 1 for pair in pairs)])


def decode_number(value: bytes) -> Decimal:
    """The NUMBER that a client bound."""
    if value == _ZERO:
        return Decimal(0)
    positive = bool(value[0] & 0x80)
    if positive:
        power, pairs = value[0] - 193, [byte - 1 for byte in value[1:]]
    else:
        power, pairs = 62 - value[0], [101 - byte for byte in value[1:] if byte != _NEGATIVE_END]
    digits = "".join(f"{pair:02}" for pair in pairs)
    exponent = (power - len(pairs) + 1) * 2
    return Decimal((0 if positive else 1, tuple(map(int, digits)), exponent))
