"""Which of two media types an Accept header likes better (RFC 9110, section 12.5.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable


def prefers(headers: Iterable[str], wanted: str, default: str) -> bool:
    """Whether ``wanted`` is liked better than ``default``; at a tie the default is, unless only the other one is named."""
    ranges = dict(_ranges(headers))
    first, second = _quality(ranges, wanted), _quality(ranges, default)
    if first == second:
        return first > 0 and wanted in ranges and default not in ranges
    return first > second


def _ranges(headers: Iterable[str]) -> Iterable[tuple[str, float]]:
    for element in ",".join(headers).split(","):
        name, *parameters = (part.strip().lower() for part in element.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if name:
            yield name, quality


def _quality(ranges: dict[str, float], media_type: str) -> float:
    """The quality of the most specific range that the type matches; 1 without a header, 0 when no range matches."""
    for name in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0 if ranges else 1.0
