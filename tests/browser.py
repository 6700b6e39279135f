"""Opens a page in headless Chromium, plays its first video, and prints as JSON what the page shows.

Usage: browser.py URL

Spoken to over a pipe (DevTools protocol), so that nothing has to be added to the page. Standard
library alone.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time

LOOK = """(() => {
    const video = document.querySelector('video'), image = document.querySelector('img');
    if (!video) return null;
    video.muted = true;
    if (video.paused && !video.ended) video.play().catch(() => {});
    return {
        width: video.videoWidth, height: video.videoHeight, time: video.currentTime,
        error: video.error ? video.error.message : null,
        image: image ? image.naturalWidth : 0, url: location.href,
    };
})()"""


class Browser:
    def __init__(self, profile):
        to_browser, from_us = os.pipe()
        to_us, from_browser = os.pipe()
        # Out of the way of 3 and 4, where the browser looks for them.
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_browser, from_browser)]

        def in_place():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        flags += ["--no-first-run", "--no-proxy-server", "--mute-audio"]
        flags += ["--autoplay-policy=no-user-gesture-required", "--remote-debugging-pipe"]
        self.process = subprocess.Popen(
            ["chromium", *flags, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=in_place,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for fd in (to_browser, from_browser, *ends):
            os.close(fd)
        self.out, self.inp, self.buffer, self.last = from_us, to_us, b"", 0

    def ask(self, method, session=None, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                piece = os.read(self.inp, 65536)
                if not piece:
                    sys.exit("the browser is gone")
                self.buffer += piece
            line, self.buffer = self.buffer.split(b"\0", 1)
            said = json.loads(line)
            if said.get("id") == self.last:
                if "error" in said:
                    sys.exit(f"{method}: {said['error']}")
                return said["result"]


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
            attached = browser.ask("Target.attachToTarget", targetId=target, flatten=True)
            session = attached["sessionId"]
            browser.ask("Page.navigate", session, url=sys.argv[1])
            seen = None
            for _ in range(600):
                found = browser.ask("Runtime.evaluate", session, expression=LOOK, returnByValue=True)
                seen = found["result"].get("value") or seen
                if seen and (seen["time"] > 0.3 and seen["image"] or seen["error"]):
                    break
                time.sleep(0.1)
            print(json.dumps(seen))
        finally:
            browser.process.kill()
            browser.process.wait()


main()
