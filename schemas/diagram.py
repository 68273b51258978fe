"""The life of a job as an SVG, drawn from the table of transitions, so that picture and code cannot disagree. Pure.

Only where a box stands is said here; which arrows there are follows from :data:`schemas.jobs.TRANSITIONS`. That a status may
follow itself is not drawn.
"""

from __future__ import annotations

from html import escape

from schemas.jobs import TRANSITIONS, Status

_WIDTH, _HEIGHT = 760, 330
_BOX_WIDTH, _BOX_HEIGHT = 128, 44

_PLACES: dict[Status, tuple[int, int, str]] = {
    Status.QUEUED: (120, 70, "taken, not started"),
    Status.RUNNING: (120, 165, "writes its log"),
    Status.EXTRACTED: (120, 260, "awaits its result"),
    Status.COMPLETE: (400, 70, "every record is there"),
    Status.FAILED: (400, 165, "says why"),
    Status.CANCELLED: (400, 260, "as far as it got"),
    Status.EXPIRED: (640, 165, "log removed"),
}
"""Middle of each box and what the state means, in a few words."""

_KINDS = {
    Status.COMPLETE: "good",
    Status.FAILED: "bad",
    Status.CANCELLED: "off",
    Status.EXPIRED: "off",
}

_STYLE = """
.card{fill:#ffffff;stroke:#d0d7de}.box{fill:#ddf4ff;stroke:#0969da}.good{fill:#dafbe1;stroke:#1a7f37}
.bad{fill:#ffebe9;stroke:#cf222e}.off{fill:#eaeef2;stroke:#6e7781}.name{fill:#1f2328;font-weight:600}
.about{fill:#59636e;font-size:11px}.arrow{stroke:#6e7781;fill:none;stroke-width:1.4}.head{fill:#6e7781}
text{font:14px ui-sans-serif,system-ui,sans-serif;text-anchor:middle}
@media (prefers-color-scheme:dark){.card{fill:#0d1117;stroke:#30363d}.box{fill:#0c2d6b;stroke:#58a6ff}
.good{fill:#0f5323;stroke:#3fb950}.bad{fill:#67060c;stroke:#f85149}.off{fill:#30363d;stroke:#8b949e}
.name{fill:#f0f6fc}.about{fill:#c9d1d9}.arrow{stroke:#8b949e}.head{fill:#8b949e}}
"""


def states_svg() -> str:
    """The diagram. Raises KeyError for a status that has no place yet."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(_description())}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<rect class="card" x="1" y="1" width="{_WIDTH - 2}" height="{_HEIGHT - 2}" rx="10"/>',
        *(
            _arrow(begin, end)
            for begin, ends in TRANSITIONS.items()
            for end in Status
            if end in ends - {begin}
        ),
        *(_box(status) for status in Status),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _description() -> str:
    steps = (
        f"{begin} to {end}" for begin, ends in TRANSITIONS.items() for end in Status if end in ends - {begin}
    )
    return "The states of a job and the steps between them: " + ", ".join(steps)


def _box(status: Status) -> str:
    x, y, about = _PLACES[status]
    return (
        f'<rect class="{_KINDS.get(status, "box")}" x="{x - _BOX_WIDTH // 2}" y="{y - _BOX_HEIGHT // 2}"'
        f' width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="8"/>'
        f'<text class="name" x="{x}" y="{y - 2}">{status}</text>'
        f'<text class="about" x="{x}" y="{y + 14}">{escape(about)}</text>'
    )


def _arrow(begin: Status, end: Status) -> str:
    (x0, y0, _), (x1, y1, _) = _PLACES[begin], _PLACES[end]
    half_width, half_height = _BOX_WIDTH // 2, _BOX_HEIGHT // 2
    if x0 != x1:
        left, right = x0 + half_width, x1 - half_width - 2
        middle = (left + right) // 2
        # Arrows that come from above or below end a little apart.
        path = f"M{left} {y0}C{middle} {y0} {middle} {y1} {right} {y1 + (y0 - y1) // 16}"
    elif y1 - y0 < 2 * half_height + 60:
        path = f"M{x0} {y0 + half_height}V{y1 - half_height - 2}"
    else:
        side = x0 - half_width
        path = f"M{side} {y0}C{side - 50} {y0} {side - 50} {y1} {side - 2} {y1}"
    return f'<path class="arrow" d="{path}" marker-end="url(#to)"/>'
