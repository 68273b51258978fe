"""The two Python clients behind one face, so that each test speaks with both: the sync one works in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tracestream_client import AsyncClient, Client

KINDS = ("sync", "async")
Each = Callable[[int], Coroutine[Any, Any, None]]


async def read(
    kind: str,
    url: str,
    method: str,
    *arguments: Any,
    client: dict[str, Any] | None = None,
    each: Each | None = None,
    got: list[Any] | None = None,
    **options: Any,
) -> list[Any]:
    """All that ``method`` (``stream``, ``records``, ``lines``) yields, also added to ``got`` as it comes. The consumer holds still
    while ``each`` runs, in the test's loop; it hears how many there are by now."""
    found = [] if got is None else got
    loop = asyncio.get_running_loop()
    if kind == "async":
        async with (
            AsyncClient(url, **client or {}) as opened,
            getattr(opened, method)(*arguments, **options) as items,
        ):
            async for item in items:
                found.append(item)
                if each is not None:
                    await each(len(found))
        return found

    def work() -> list[Any]:
        with Client(url, **client or {}) as opened, getattr(opened, method)(*arguments, **options) as items:
            for item in items:
                found.append(item)
                if each is not None:
                    asyncio.run_coroutine_threadsafe(each(len(found)), loop).result()
        return found

    return await asyncio.to_thread(work)


async def call(
    kind: str, url: str, method: str, *arguments: Any, client: dict[str, Any] | None = None, **options: Any
) -> Any:
    """The answer of one operation."""
    if kind == "async":
        async with AsyncClient(url, **client or {}) as opened:
            return await getattr(opened, method)(*arguments, **options)
    with Client(url, **client or {}) as opened:
        return await asyncio.to_thread(lambda: getattr(opened, method)(*arguments, **options))
