"""Drives a headless Chromium through its debugging pipe, with the standard library alone."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
).split()


def find():
    """The program, installed if that is possible; None if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update"], **quiet)
        install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        subprocess.run(install, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, **quiet)
        found = shutil.which("chromium")
    return found


class Browser:
    """One page. What it complains of, and what it loads, is gathered."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp()
        down, self.write = os.pipe()
        self.read, up = os.pipe()

        def pipes():
            # The browser reads from 3 and writes to 4; neither may be overwritten before it is copied.
            high = [os.dup2(down, 30), os.dup2(up, 31)]
            for number, pipe in zip((3, 4), high):
                os.dup2(pipe, number)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile}"],
            close_fds=False,
            preexec_fn=pipes,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down)
        os.close(up)
        self.buffer, self.number, self.session = b"", 0, None
        self.problems, self.requests, self.loaded = [], [], False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.read], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data = os.read(self.read, 1 << 16)
            if not data:
                raise SystemExit("browser: Chromium has gone")
            self.buffer += data
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def event(self, message):
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.problems.append(str(told["args"]))
        elif method == "Log.entryAdded":
            self.problems.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message(300)
            if message is None:
                raise SystemExit(f"browser: no answer to {method}")
            if message.get("id") == self.number:
                if "error" in message:
                    raise SystemExit(f"browser: {method}: {message['error']}")
                return message["result"]
            self.event(message)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if message := self.message(left):
                self.event(message)

    def look(self, width, height, scheme="light", media="screen", phone=False):
        self.size = {"width": width, "deviceScaleFactor": 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", height=height, **self.size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def open(self, path):
        self.loaded = False
        self.call("Page.navigate", url=f"file://{path}")
        while not self.loaded:
            if message := self.message(60):
                self.event(message)
            else:
                raise SystemExit(f"browser: {path} does not load")

    def evaluate(self, script):
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in found:
            raise SystemExit(f"browser: {found['exceptionDetails']}")
        return found["result"].get("value")

    def press_tab(self):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def picture(self, path, clip=None):
        # A window as high as the page, as Chromium may hang on what is beyond it.
        height = min(int(self.call("Page.getLayoutMetrics")["cssContentSize"]["height"]), 5000)
        self.call("Emulation.setDeviceMetricsOverride", height=height, **self.size)
        area = {"clip": {**clip, "scale": 1}} if clip else {}
        shot = self.call("Page.captureScreenshot", **area)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
