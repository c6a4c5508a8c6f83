"""A real browser without a window, told what to do over its debugging pipe: nothing to install but
the browser.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FOUND = next(filter(None, map(shutil.which, NAMES)), None)
needed = pytest.mark.skipif(
  FOUND is None, reason=f"needs a browser, one of {', '.join(NAMES)}: apt-get install chromium"
)
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-extensions")


class Browser:
  """A browser with one page. Close it.

  Attributes:
    problems: errors of the page, and what it wrote to the console as errors or warnings.
  """

  def __init__(self) -> None:
    assert FOUND is not None
    self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    to_child, self._out = _high_pipe()
    self._in, from_child = _high_pipe()

    def wire() -> None:  # the browser reads from 3 and writes to 4
      os.dup2(to_child, 3)
      os.dup2(from_child, 4)

    command = [FOUND, *_FLAGS, f"--user-data-dir={self._home.name}", "--remote-debugging-pipe"]
    environment = {**os.environ, "HOME": self._home.name}
    self._process = subprocess.Popen(
      [*command, "about:blank"],
      preexec_fn=wire,
      pass_fds=(3, 4),
      env=environment,
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )
    os.close(to_child)
    os.close(from_child)
    self._received, self._number = b"", 0
    self._session: str | None = None
    self.problems: list[str] = []
    targets = self._call("Target.getTargets")["targetInfos"]
    page = next(target["targetId"] for target in targets if target["type"] == "page")
    self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log"):
      self._call(f"{domain}.enable")

  def open(self, page: Path, *, width: int = 1280, height: int = 1000, dark: bool = False) -> None:
    """Opens a page in a window of this size, in pixels."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    self._call("Emulation.setDeviceMetricsOverride", **size)
    wishes = {
      "prefers-color-scheme": "dark" if dark else "light",
      "prefers-reduced-motion": "reduce",  # scrolling is done at once
    }
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    self._call("Emulation.setEmulatedMedia", features=features)
    self._call("Page.navigate", url=page.resolve().as_uri())
    self.until("document.readyState === 'complete'")

  def run(self, script: str) -> Any:
    """Returns the value of an expression, or what its promise gives."""
    options = {"awaitPromise": True, "returnByValue": True}
    answer = self._call("Runtime.evaluate", expression=script, **options)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")

  def until(self, condition: str, seconds: float = 30) -> None:
    """Waits until an expression is true."""
    end = time.monotonic() + seconds
    while not self.run(f"Boolean({condition})"):
      assert time.monotonic() < end, f"never: {condition}"
      time.sleep(0.02)

  def point(self, element: str, x: float, y: float) -> None:
    """Moves the pointer to a place inside of an element, given as shares of its box."""
    self._mouse("mouseMoved", element, x, y)

  def double_click(self, element: str, x: float, y: float) -> None:
    """Clicks twice at a place inside of an element, given as `point` takes it."""
    for count in (1, 2):
      for kind in ("mousePressed", "mouseReleased"):
        self._mouse(kind, element, x, y, button="left", clickCount=count)

  def drag(self, element: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Moves the pointer with its button held; places as `point` takes them."""
    self._mouse("mousePressed", element, *start, button="left", clickCount=1)
    self._mouse("mouseMoved", element, *end, button="left", buttons=1)
    self._mouse("mouseReleased", element, *end, button="left", clickCount=1)

  def _mouse(self, kind: str, element: str, x: float, y: float, **more: Any) -> None:
    left, top, width, height = self.run(
      f"(() => {{ const e = document.querySelector({json.dumps(element)});"
      "e.scrollIntoView({ block: 'center', behavior: 'instant' });"
      "const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    at = {"x": left + x * width, "y": top + y * height}
    self._call("Input.dispatchMouseEvent", type=kind, **at, **more)

  def press(self, key: str, *, shift: bool = False) -> None:
    """Presses a key."""
    code = {"windowsVirtualKeyCode": 9} if key == "Tab" else {}  # else the focus stays
    for kind in ("keyDown", "keyUp"):
      held = 8 if shift else 0
      self._call("Input.dispatchKeyEvent", type=kind, key=key, modifiers=held, **code)

  def close(self) -> None:
    """Ends the browser."""
    self._process.kill()
    self._process.wait()
    os.close(self._in)
    os.close(self._out)
    self._home.cleanup()

  def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
    self._number += 1
    message = {"id": self._number, "method": method, "params": parameters}
    if self._session is not None:
      message["sessionId"] = self._session
    os.write(self._out, json.dumps(message).encode() + b"\0")
    while True:
      answer = self._next()
      if answer.get("id") == self._number:
        assert "error" not in answer, answer["error"]
        return answer["result"]
      self.problems += _problems(answer.get("method", ""), answer.get("params", {}))

  def _next(self) -> dict[str, Any]:
    """Returns the next message of the browser; they end with a zero."""
    while b"\0" not in self._received:
      new = os.read(self._in, 1 << 16)
      assert new, "the browser has ended"
      self._received += new
    message, _, self._received = self._received.partition(b"\0")
    return json.loads(message)


def _problems(method: str, said: dict[str, Any]) -> list[str]:
  """Returns what an event says that should not be."""
  if method == "Runtime.exceptionThrown":
    return [said["exceptionDetails"]["exception"]["description"]]
  if method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning"):
    return [str(said["args"][0].get("value"))]
  if method == "Log.entryAdded" and said["entry"]["level"] == "error":
    return [said["entry"]["text"]]
  return []


def _high_pipe() -> tuple[int, int]:
  """Returns the ends of a pipe, with numbers above those that the browser uses."""
  ends = os.pipe()
  high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
  for end in ends:
    os.close(end)
  return high
