"""Drives a headless Chromium over its debugging pipe: two descriptors, and messages in JSON with a
NUL behind each. So nothing but Python and the browser is needed."""

import base64
import collections
import json
import os
import select
import subprocess
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--remote-debugging-pipe", "--window-size=520,560", "--force-color-profile=srgb"]
PATIENCE = 30


class Failure(Exception):
    pass


class Browser:
    """A browser with an empty profile."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        to_browser, self.out = os.pipe()
        self.inp, from_browser = os.pipe()
        os.set_blocking(self.inp, False)

        # The browser reads descriptor 3 and writes descriptor 4. A shell puts them there.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", script, "chromium", program, *FLAGS,
             f"--user-data-dir={self.profile.name}", "about:blank"],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.number = 0
        self.answers = {}
        self.events = collections.deque(maxlen=1000)

    def call(self, method, session=None, **params):
        """Calls a method of the protocol and returns its result."""
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        deadline = time.monotonic() + PATIENCE
        while number not in self.answers:
            self.pump(deadline, method)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failure(f"{method}: {answer['error']}")
        return answer["result"]

    def pump(self, deadline, method):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.inp], [], [], left)[0]:
            raise Failure(f"{method}: no answer from the browser")
        data = os.read(self.inp, 1 << 20)
        if not data:
            raise Failure(f"{method}: the browser has ended")
        *messages, self.buffer = (self.buffer + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.events.append(message)

    def tab(self, url):
        return Tab(self, url)

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE)
        except (Failure, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.inp)
        os.close(self.out)
        self.profile.cleanup()


class Tab:
    def __init__(self, browser, url):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call(
            "Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.go(url)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def go(self, url):
        result = self.call("Page.navigate", url=url)
        if "errorText" in result:
            raise Failure(f"{url}: {result['errorText']}")
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, script):
        """What an expression comes to in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failure(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def until(self, script, seconds=PATIENCE):
        """Waits until an expression is true; the last value if it does not get so."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.value(script)
            if value is True or time.monotonic() > deadline:
                return value
            time.sleep(0.02)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def press_enter(self):
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.call("Input.dispatchKeyEvent", type="keyDown", **key)
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def screenshot(self):
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
