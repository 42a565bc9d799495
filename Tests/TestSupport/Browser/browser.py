#!/usr/bin/env python3
"""Shows pages to a headless Chromium, with scripts disabled, and measures what came of it.

usage: browser.py DIRECTORY [SCREENSHOTS]
DIRECTORY holds pages.json: [{"name": ..., "path": "/nodes", "headers": {...}, "file": "nodes.html"}, ...]. Each is served
from a server of its own on loopback and opened as on a desktop (1280 pixels), on a phone (390) and on a phone in the dark.
Prints a JSON list with one object for each: widths, what sticks out, texts that overlap, contrasts that are too low,
requests, complaints of the browser, headings, rows of tables. With SCREENSHOTS writes NAME-MODE.png there.
The browser is found in PATH, or in NIGHTJAR_CHROMIUM. Exit code 0, or 1 with what went wrong on the error output.
"""
import base64
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

# Seconds for everything.
LONGEST = 400
MODES = [("desktop", 1280, 900, False, "light"), ("phone", 390, 844, True, "light"), ("dark", 390, 844, True, "dark")]

MEASURE = r"""(() => {
  const round = r => [r.left, r.top, r.right, r.bottom].map(Math.round);
  const name = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + " " + (e.textContent || "").trim().slice(0, 40);
  const all = [...document.querySelectorAll("body *")].filter(e => e.getClientRects().length);
  const width = document.documentElement.clientWidth;
  const outside = all.filter(e => { const r = e.getBoundingClientRect();
      return r.width > 0 && r.right > width + 1 && !e.closest("thead, .skip, .scroll"); }).map(name);
  const overlaps = [];
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  for (const svg of document.querySelectorAll("figure svg[role=img]")) {
    const texts = [...svg.querySelectorAll("text")];
    const marks = [...svg.querySelectorAll("circle, path, rect:not(.row)")].map(e => e.getBoundingClientRect());
    const edge = svg.getBoundingClientRect();
    texts.forEach((t, i) => { const box = t.getBoundingClientRect();
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 2 || box.bottom > edge.bottom + 2)
        overlaps.push("cut: " + name(t));
      texts.slice(i + 1).forEach(u => { if (meet(box, u.getBoundingClientRect())) overlaps.push(name(t) + " / " + name(u)); });
      if (marks.some(m => meet(box, m))) overlaps.push("mark on " + name(t)); });
  }
  for (const row of document.querySelectorAll("tr")) {
    const cells = [...row.children].filter(e => e.getClientRects().length);
    cells.forEach((c, i) => { if (i && meet(c.getBoundingClientRect(), cells[i - 1].getBoundingClientRect()))
      overlaps.push(name(cells[i - 1]) + " / " + name(c)); });
  }
  // Beside the names of columns that a narrow table shows, nothing else may stand.
  for (const cell of document.querySelectorAll("td")) if (getComputedStyle(cell, "::before").content != "none" &&
      getComputedStyle(cell, "::before").position == "absolute")
    for (const child of cell.children) if (child.getClientRects().length && child.getClientRects()[0].left <
        cell.getBoundingClientRect().left + 90) overlaps.push("under the label: " + name(child));
  const rgb = s => s.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const back = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const faint = new Set();
  for (const e of all) if ([...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) {
    const style = getComputedStyle(e), ink = rgb(e.namespaceURI.endsWith("svg") ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(back(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.add(ratio.toFixed(2) + " " + name(e));
  }
  const small = all.filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) &&
      parseFloat(getComputedStyle(e).fontSize) < 11).map(name);
  return { title: document.title, width, scrollWidth: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight, outside: outside.slice(0, 10), overlaps: overlaps.slice(0, 10),
    faint: [...faint].slice(0, 10), small: small.slice(0, 10),
    background: getComputedStyle(document.body).backgroundColor,
    headings: [...document.querySelectorAll("h1, h2")].map(e => e.innerText),
    tables: [...document.querySelectorAll("table")].map(t => ({ caption: t.caption.innerText, rows: t.tBodies[0].rows.length })),
    marks: document.querySelectorAll("figure svg[role=img] :is(circle, path, rect:not(.row))").length,
    strips: document.querySelectorAll("figure svg[role=img]").length,
    scripts: document.scripts.length, text: document.body.innerText };
})()"""


class Browser:
    """Chromium over its debugging pipe: JSON messages that end with a zero byte."""

    def __init__(self, profile):
        program = os.environ.get("NIGHTJAR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise SystemExit("chromium is not installed: apt-get install chromium")
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()
        # The browser reads from descriptor 3 and writes to 4; both pairs are moved out of the way first.
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate((to_browser, from_browser))]

        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe", "--user-data-dir=" + profile,
             "about:blank"],
            pass_fds=(3, 4), preexec_fn=place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": profile})
        for fd in (to_browser, from_browser, *high):
            os.close(fd)
        self.out, self.input, self.number, self.rest, self.events = ours_out, ours_in, 0, b"", []

    def read(self):
        while b"\0" not in self.rest:
            piece = os.read(self.input, 1 << 20)
            if not piece:
                raise SystemExit("chromium ended")
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\0")
        return json.loads(line)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for_page(self, base):
        """Until a page of `base` has loaded: the empty one before it may say so too."""
        while True:
            methods = [event.get("method") for event in self.events]
            ours = [i for i, event in enumerate(self.events) if event.get("method") == "Page.frameNavigated"
                    and event["params"]["frame"]["url"].startswith(base)]
            if ours and "Page.loadEventFired" in methods[ours[0]:]:
                return
            self.events.append(self.read())

    def close(self):
        signal.alarm(10)
        try:
            self.call("Browser.close")
        except (SystemExit, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(directory, pages):
    by_path = {page["path"]: page for page in pages}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = by_path.get(self.path)
            if not page:
                self.send_error(404)
                return
            with open(os.path.join(directory, page["file"]), "rb") as file:
                body = file.read()
            self.send_response(200)
            for key, value in page["headers"].items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def show(browser, session, base, page, screenshots):
    """Loads a page once and measures it in each mode."""
    call = lambda method, **parameters: browser.call(method, session, **parameters)
    browser.events = []
    call("Page.navigate", url=base + page["path"])
    browser.wait_for_page(base)
    results = []
    for name, width, height, mobile, scheme in MODES:
        call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        found = call("Runtime.evaluate", expression=MEASURE, returnByValue=True)
        if "exceptionDetails" in found:
            raise SystemExit(str(found["exceptionDetails"]))
        result = found["result"]["value"]
        if screenshots:
            size = {"x": 0, "y": 0, "width": width, "height": min(result["height"], 9000), "scale": 1}
            picture = call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=size)
            with open(os.path.join(screenshots, f"{page['name']}-{name}.png"), "wb") as file:
                file.write(base64.b64decode(picture["data"]))
        result["page"], result["mode"] = page["name"], name
        results.append(result)
    for result in results:
        result["requests"] = [event["params"]["request"]["url"].removeprefix(base) for event in browser.events
                              if event.get("method") == "Network.requestWillBeSent"]
        result["complaints"] = [event["params"]["entry"]["text"] for event in browser.events
                                if event.get("method") == "Log.entryAdded" and "favicon" not in str(event)]
    return results


def give_up(*arguments):
    raise SystemExit(f"chromium did not do this within {LONGEST} s")


def main():
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST)
    directory = sys.argv[1]
    screenshots = sys.argv[2] if len(sys.argv) > 2 else None
    with open(os.path.join(directory, "pages.json")) as file:
        pages = json.load(file)
    base = serve(directory, pages)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            target = browser.call("Target.createTarget", url="about:blank")["targetId"]
            session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Log"):
                browser.call(domain + ".enable", session)
            browser.call("Emulation.setScriptExecutionDisabled", session, value=True)
            results = [result for page in pages for result in show(browser, session, base, page, screenshots)]
        finally:
            browser.close()
    json.dump(results, sys.stdout, indent=1)


main()
