"""A tab of Chromium with as little of its inspector as measuring needs: what is measured is what somebody has who only looks.

Playwright has the inspector watch the network in every tab and worker. The inspector then keeps the bodies of answers in the tab's
process, up to 100 MB, and hears of every chunk. Here Chromium is told by the same protocol, through a pipe, and its network is left
alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

from tests.browsers import ARGUMENTS, find_chromium

WIDTH, HEIGHT = 1440, 900
_QUIET = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--lang=en-US",
)
_ANSWER_BYTES = 64 << 20
_LOOK_SECONDS = 0.1
_STOP_SECONDS = 10
_DEADLINE = 600.0
# Chromium reads commands from descriptor 3 and writes answers to 4.
_LAUNCH = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
_ABOVE = 10


class Chromium:
    """A running one; :attr:`pid` is its first process."""

    def __init__(
        self, process: asyncio.subprocess.Process, commands: int, answers: asyncio.StreamReader
    ) -> None:
        self._process = process
        self._commands = commands
        self._answers = answers
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count(1)
        self._listening = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        return self._process.pid

    async def call(self, method: str, session: str | None = None, **values: object) -> dict[str, Any]:
        """One command of the DevTools protocol. Raises RuntimeError when Chromium refuses it or has gone."""
        number = next(self._numbers)
        command: dict[str, object] = {"id": number, "method": method, "params": values}
        if session is not None:
            command["sessionId"] = session
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        found = await answer
        if "error" in found:
            raise RuntimeError(f"{method}: {found['error']}")
        result: dict[str, Any] = found["result"]
        return result

    async def _listen(self) -> None:
        try:
            while True:
                message = json.loads((await self._answers.readuntil(b"\0"))[:-1])
                answer = self._waiting.pop(message.get("id", 0), None)
                if answer is not None and not answer.done():
                    answer.set_result(message)
        except asyncio.IncompleteReadError:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(RuntimeError("Chromium has ended"))

    async def tab(self, script: str) -> Tab:
        """A new tab with an empty page; ``script`` runs first in each document. It has a profile of its own."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, attached["sessionId"], context)
        metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        await tab.call("Emulation.setDeviceMetricsOverride", **metrics)
        await tab.call("Page.enable")
        await tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        return tab

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._listening.cancel()
        os.close(self._commands)


class Tab:
    """One page, and somebody at mouse and keyboard."""

    def __init__(self, chromium: Chromium, session: str, context: str) -> None:
        self._chromium = chromium
        self._session = session
        self._context = context

    async def call(self, method: str, **values: object) -> dict[str, Any]:
        return await self._chromium.call(method, self._session, **values)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression. Raises RuntimeError when it throws."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The value of the expression as soon as it is something. Raises TimeoutError after ten minutes."""
        async with asyncio.timeout(_DEADLINE):
            while not (value := await self.evaluate(expression)):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
        return value

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    async def point(self, x: float, y: float) -> None:
        await self._mouse("mouseMoved", x, y)

    async def click(self, selector: str) -> None:
        """Clicks into the middle of an element as soon as it is there."""
        box = await self.until(
            f"""(() => {{
              const found = document.querySelector({json.dumps(selector)});
              if (!found || found.disabled) return null;
              found.scrollIntoView({{block: "nearest"}});
              const box = found.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        await self.point(*box)
        for kind in ("mousePressed", "mouseReleased"):
            await self._mouse(kind, *box, button="left", clickCount=1)

    async def wheel(self, x: float, y: float, *, right: float, down: float) -> None:
        await self._mouse("mouseWheel", x, y, deltaX=right, deltaY=down)

    async def type(self, selector: str, text: str) -> None:
        """Writes the text instead of what stands in the field, and Enter behind it."""
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        await self.call("Input.insertText", text=text)
        enter: Mapping[str, object] = {
            "key": "Enter",
            "code": "Enter",
            "windowsVirtualKeyCode": 13,
            "text": "\r",
        }
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, **enter)

    async def _mouse(self, kind: str, x: float, y: float, **values: object) -> None:
        await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **values)

    async def close(self) -> None:
        await self._chromium.call("Target.disposeBrowserContext", browserContextId=self._context)


@asynccontextmanager
async def quiet_chromium() -> AsyncIterator[Chromium]:
    """A Chromium for the block. Raises FileNotFoundError where there is none."""
    program = find_chromium()
    if program is None:
        raise FileNotFoundError("there is no Chromium on this machine; name one in TRACE_CHROMIUM")
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    # Clear of the two descriptors that they become.
    given = [fcntl.fcntl(each, fcntl.F_DUPFD, _ABOVE) for each in (theirs_in, theirs_out)]
    with tempfile.TemporaryDirectory(prefix="tracestream-chromium-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _LAUNCH, *map(str, given)),
            *(program, *ARGUMENTS, *_QUIET, f"--user-data-dir={profile}"),
            pass_fds=given,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for each in (theirs_in, theirs_out, *given):
            os.close(each)
        reader = asyncio.StreamReader(limit=_ANSWER_BYTES)
        pipe = os.fdopen(answers, "rb", buffering=0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        chromium = Chromium(process, commands, reader)
        try:
            yield chromium
        finally:
            await chromium.stop()
