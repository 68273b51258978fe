"""Puts the ``offset`` member into a stored line (design: "Streams"). Pure.

A stored value begins with ``{"type":`` and ends with a newline; what a client gets begins with ``{"offset":N,"type":``. Nothing is
parsed and nothing is copied.
"""

from __future__ import annotations


def splice(offset: int, value: memoryview) -> tuple[bytes, memoryview]:
    """The two pieces of a line: the brace with the offset, and the value behind its brace."""
    return b'{"offset":%d,' % offset, value[1:]
