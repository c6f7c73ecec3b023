"""A page in Chromium: its size and colours, what its scripts give, pictures and complaints."""

import asyncio
import base64
import json
import shutil
from pathlib import Path
from typing import Any, TypeVar

import choreographer
from choreographer.protocol.devtools_async import Session

T = TypeVar("T")


class BrowserPage:
    """A page that is open in a browser; see `in_browser`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.complaints: list[str] = []

    async def send(self, command: str, **params: Any) -> dict[str, Any]:
        answer = await self.session.send_command(command, params=params)
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def listen(self) -> None:
        for event in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.session.subscribe(event, self._complain, repeating=True)
        for domain in ("Runtime", "Log", "Page"):
            await self.send(f"{domain}.enable")

    async def _complain(self, event: Any) -> None:
        self.complaints.append(json.dumps(event["params"])[:500])

    async def resize(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                        deviceScaleFactor=1, mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def open(self, address: str) -> None:
        await self.send("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def run(self, script: str) -> Any:
        """What an expression gives, awaited if it is a promise."""
        answer = await self.send("Runtime.evaluate", expression=script, returnByValue=True,
                                 awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str, seconds: float = 20.0) -> None:
        for _ in range(int(seconds / 0.1)):
            if await self.run(f"Boolean({condition})"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"not so after {seconds} s: {condition}")

    async def picture(self, path: Path, *, whole: bool = False) -> None:
        shot = await self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))


def in_browser(work: "Any") -> Any:
    """Run `work(page)`, a coroutine, with a page of a new browser."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "these tests need Chromium (Debian: apt-get install chromium)"

    async def opened() -> Any:
        async with choreographer.Browser(path=found, headless=True) as browser:
            tab = await browser.create_tab("about:blank")
            page = BrowserPage(await tab.create_session())
            await page.listen()
            return await work(page)

    return asyncio.run(opened())
