"""A headless Chromium, controlled through its DevTools pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Page:
    """One page, and the errors on it."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = os.fdopen(answers, "rb")
        self._session = ""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and wait for its answer."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "Chromium ended"
            data += byte
        message: dict[str, Any] = json.loads(data)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, path: Path) -> None:
        """Load a file and wait until it is loaded."""
        self._session = ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        while not self.named("Page.loadEventFired"):
            self._read()

    def named(self, method: str) -> list[dict[str, Any]]:
        """Events of one kind so far."""
        return [each["params"] for each in self.events if each["method"] == method]

    def wait_for_frames(self, count: int) -> None:
        """Wait until this many more frames have begun. Then the earlier content is drawn."""
        frame = "await new Promise((done) => requestAnimationFrame(done));"
        self.value(f"(async () => {{ {frame * count} }})()")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, and wait until the page is drawn again."""
        size: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.send("Emulation.setDeviceMetricsOverride", mobile=False, **size)
        self.wait_for_frames(3)

    def picture(self, selector: str = "html", scale: float = 1) -> bytes:
        """The picture of an element, as PNG."""
        # Outside its window Chromium paints some things and leaves others out.
        self.resize(1280, self.value("document.documentElement.scrollHeight"))
        box = self.value(
            "(({ x, y, width, height }) => ({ x: x + scrollX, y: y + scrollY, width, height }))"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        answer = self.send("Page.captureScreenshot", clip={**box, "scale": scale})
        return base64.b64decode(answer["data"])

    def prefer(self, scheme: str) -> None:
        """Draw pages for a user who prefers a light or dark scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, text: str = "", code: int = 0) -> None:
        """Press and release a key.

        Args:
            code: The key's code on Windows, which the browser itself uses.
        """
        both = {"key": key, "windowsVirtualKeyCode": code} if code else {"key": key}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **both)
        self.send("Input.dispatchKeyEvent", type="keyUp", **both)


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Start Chromium, and end it with the block."""
    program = shutil.which("chromium")
    assert program, "install Debian's package chromium"
    commands_read, commands_write = os.pipe()
    answers_read, answers_write = os.pipe()

    def place_pipes() -> None:
        # Chromium reads commands from descriptor 3 and answers on 4.
        read, write = os.dup(commands_read), os.dup(answers_write)
        os.dup2(read, 3)
        os.dup2(write, 4)

    process = subprocess.Popen(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
         "--window-size=1280,900", f"--user-data-dir={profile}"],
        preexec_fn=place_pipes,
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(commands_read)
    os.close(answers_write)
    try:
        yield Page(commands_write, answers_read)
    finally:
        process.kill()
        process.wait()
        os.close(commands_write)
