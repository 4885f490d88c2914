#!/usr/bin/env python3
"""Clicks through a trace page in headless Chromium, over its DevTools protocol.

Usage: click_page.py CHROMIUM PAGE TRACE [SCREENSHOT_FOLDER]

CHROMIUM is the browser's program. PAGE is what `sigstack trace --html PAGE` wrote of an input that fails, TRACE what
`sigstack trace --json` printed of it. For a desk and a phone, light and dark, the script moves the slider to every stop, and
checks that the stack and the cursor in the script are those of the trace, that the script after the failure is shown as not
reached, that only errors are red, that the buttons, the keys and a click in the script do what they say, that nothing is wider
than the screen, that nothing is asked of the network, and that the console stays empty. Python's standard library is all it needs.

Exit status: 0 if every check passed, 1 if one failed.
"""

import base64
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

KEY_CODES = {"ArrowLeft": 37, "ArrowRight": 39, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36, "f": 70}
# A push of more bytes is shortened in the script.
LONG_PUSH = 40
SCREENS = {"desk": (1280, 800), "phone": (360, 740)}


class WebSocket:
    """Just enough of RFC 6455 to talk to a browser on this machine."""

    def __init__(self, url):
        host, path = url.removeprefix("ws://").split("/", 1)
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(request.encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode())

    def take(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the browser closed the connection")
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, text):
        data = text.encode()
        if len(data) < 126:
            head = struct.pack("!BB", 0x81, 0x80 | len(data))
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, len(data))
        # A mask of zeros is a mask too.
        self.socket.sendall(head + bytes(4) + data)

    def receive(self):
        text = b""
        while True:
            first, length = self.take(2)
            if length == 126:
                length = struct.unpack("!H", self.take(2))[0]
            elif length == 127:
                length = struct.unpack("!Q", self.take(8))[0]
            data = self.take(length)
            if first & 0x0F in (0, 1):
                text += data
                if first & 0x80:
                    return text.decode()


class Browser:
    """A headless Chromium with one page, and the events that it told."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--remote-debugging-port=0", f"--user-data-dir={self.folder.name}", "about:blank"]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self.wait_for_port()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=60) as answer:
            pages = json.load(answer)
        self.socket = WebSocket(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))
        self.events = []
        self.count = 0

    def wait_for_port(self):
        path = pathlib.Path(self.folder.name, "DevToolsActivePort")
        for _ in range(600):
            if path.is_file() and (lines := path.read_text().splitlines()):
                return int(lines[0])
            if self.process.poll() is not None:
                raise ConnectionError(f"the browser ended with status {self.process.returncode}")
            time.sleep(0.1)
        raise ConnectionError("the browser never opened its port")

    def ask(self, method, **params):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") != self.count:
                self.events.append(message)
            elif "error" in message:
                raise ConnectionError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def evaluate(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def open(self, url):
        self.ask("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.socket.receive()))

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                     windowsVirtualKeyCode=KEY_CODES[key])

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Checks:
    """Counts what was checked, and tells what did not hold."""

    def __init__(self):
        self.done = 0
        self.failed = 0

    def equal(self, found, expected, what):
        self.done += 1
        if found != expected:
            self.failed += 1
            print(f"{what}: {found!r}, expected {expected!r}")


def stops_of(frames):
    """The frames at which the slider stops."""
    stops = []
    for frame in frames[1:-1]:
        told = frame["kind"] in ("signature", "hash")
        if not (told and frame["opcode_pos"] is not None):
            stops.append(frame)
    return stops


STATE = """({
  slider: Number(document.getElementById("slider").value),
  place: document.getElementById("place").textContent,
  stack: [...document.querySelectorAll("#stack tr")].map(row => row.cells[1].querySelector(".hex").textContent),
  alt: [...document.querySelectorAll("#alt tr")].map(row => row.cells[1].querySelector(".hex").textContent),
  here: [...document.querySelectorAll("#script .here")].map(line => line.textContent.trim()),
  phase: document.getElementById("phase").textContent,
  details: document.getElementById("details").textContent,
  rest: [...document.querySelectorAll("#script .rest")].map(line => line.textContent.trim()),
  red: [...document.querySelectorAll(".bad")].map(red => red.textContent),
  width: [document.documentElement.scrollWidth, document.documentElement.clientWidth],
})"""


def asm_of(step):
    data = step["data"]
    if len(data) <= 2 * LONG_PUSH:
        return step["asm"]
    return f"<{data[:8]}..{data[-8:]}({len(data) // 2})>"


def check_stop(checks, state, stops, index, where):
    shown = lambda stack: [element or '""' for element in reversed(stack or [])]
    stop, count = stops[index], len(stops)
    checks.equal(state["slider"], index, f"{where}: slider")
    checks.equal(state["place"], f"{index + 1}/{count}", f"{where}: place")
    checks.equal(state["stack"], shown(stop.get("stack")), f"{where}: stack")
    checks.equal(state["alt"], shown(stop.get("altstack")), f"{where}: alt stack")
    cursor = []
    if stop["kind"] == "step":
        skipped = "" if stop["exec"] or stops[index + 1]["exec"] else "  (passed over)"
        cursor = [f"{stop['opcode_pos']}  " + "  " * stop["branches"] + asm_of(stop) + skipped]
    checks.equal(state["here"], cursor, f"{where}: cursor")
    # The sentence of the verdict, the opcode that failed, its error, an invalid signature: nothing else is red.
    for red in state["red"]:
        checks.equal("left out" in red, False, f"{where}: {red!r} is red")
    checks.equal(state["width"][0], state["width"][1], f"{where}: width of the page")


def rest_of(end, reached):
    """The positions of the opcodes that were not reached."""
    script = bytes.fromhex(end["script"])
    at, count = 0, 0
    while at < len(script):
        opcode = script[at]
        at += 1
        if opcode <= 75:
            at += opcode
        elif opcode <= 78:
            size = 1 << (opcode - 76)
            at += size + int.from_bytes(script[at:at + size], "little")
        count += 1
    return list(range(reached, count))


def click_through(browser, checks, frames, where):
    stops = stops_of(frames)
    count = len(stops)
    state = lambda: browser.evaluate(STATE)
    click = lambda name: browser.evaluate(f"document.getElementById('{name}').click()")
    checks.equal(browser.evaluate("document.getElementById('verdict').textContent"), frames[-1]["sentence"],
                 f"{where}: verdict")
    for index, stop in enumerate(stops):
        browser.evaluate(f"{{ const s = document.getElementById('slider'); s.value = {index}; "
                         "s.dispatchEvent(new Event('input')); }")
        check_stop(checks, state(), stops, index, f"{where}, stop {index}")
    click("back")
    check_stop(checks, state(), stops, count - 2, f"{where}, back")
    click("next")
    check_stop(checks, state(), stops, count - 1, f"{where}, next")
    browser.evaluate("document.activeElement.blur()")
    browser.press("ArrowLeft")
    check_stop(checks, state(), stops, count - 2, f"{where}, left key")
    browser.press("ArrowRight")
    check_stop(checks, state(), stops, count - 1, f"{where}, right key")
    for key, expected in (("Home", 0), ("PageDown", min(10, count - 1)), ("PageUp", 0), ("End", count - 1)):
        browser.press(key)
        check_stop(checks, state(), stops, expected, f"{where}, key {key}")
    browser.press("f")
    at_failure = state()
    click("failure")
    checks.equal(at_failure, state(), f"{where}, key f")
    ended = next(i for i, stop in enumerate(stops) if stop["kind"] == "end" and stop["script_error"] != "OK")
    failed = ended - 1 if stops[ended]["stopped"] == "opcode" else ended
    check_stop(checks, state(), stops, failed, f"{where}, failure")
    reached = stops[ended]["opcode_pos"] + (stops[ended]["stopped"] != "after_last_opcode")
    checks.equal([int(line.split()[0]) for line in at_failure["rest"]], rest_of(stops[ended], reached), f"{where}: the script after the failure")
    notes = [note["text"] for frame in frames for note in frame.get("explanations", [])]
    details = state()["details"]
    for note in notes:
        checks.equal(note in details, True, f"{where}: the note {note!r} is shown at the failure")
    browser.evaluate("document.querySelector('#script div div').click()")
    first = next(i for i in range(failed, -1, -1) if stops[i]["kind"] == "begin") + 1
    check_stop(checks, state(), stops, first, f"{where}, click in the script")
    click("failure")


def check_page(browser, checks, url, frames, screen, scheme, screenshots):
    where = f"{screen}, {scheme}"
    width, height = SCREENS[screen]
    browser.events.clear()
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                mobile=screen == "phone")
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(url)
    click_through(browser, checks, frames, where)
    # The paper is lighter than the ink, or darker.
    colours = browser.evaluate("['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])")
    paper, ink = (sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]) for colour in colours)
    checks.equal(paper > ink, scheme == "light", f"{where}: {colours}")
    if screenshots:
        image = browser.ask("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(screenshots, f"{screen}-{scheme}.png").write_bytes(base64.b64decode(image))
    requests = [event["params"]["request"]["url"] for event in browser.events
                if event["method"] == "Network.requestWillBeSent"]
    checks.equal(requests, [url], f"{where}: requests")
    said = [event["params"] for event in browser.events
            if event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
    checks.equal(said, [], f"{where}: console")


def main():
    program, page = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    frames = [json.loads(line) for line in pathlib.Path(sys.argv[3]).read_text().splitlines()]
    screenshots = sys.argv[4] if len(sys.argv) > 4 else None
    browser = Browser(program)
    checks = Checks()
    try:
        for domain in ("Page", "Network", "Log", "Runtime"):
            browser.ask(f"{domain}.enable")
        for screen in SCREENS:
            for scheme in ("light", "dark"):
                check_page(browser, checks, page.as_uri(), frames, screen, scheme, screenshots)
    finally:
        browser.close()
    print(f"{page.name}: {checks.done} checks in {len(SCREENS) * 2} views, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
