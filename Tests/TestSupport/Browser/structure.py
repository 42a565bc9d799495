#!/usr/bin/env python3
"""Checks HTML files as text: every tag closed in order, ids once, what labels refer to is there, tables with captions and
heads, headings without a step left out, and nothing that could run or load anything.

usage: structure.py FILE...     prints one line for each fault; exit code 1 if there is any
"""
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "hr", "img", "input", "base"}
ALONE = {"rect", "circle", "line", "path"}
ALLOWED = VOID - {"img", "input", "base", "link"} | ALONE | set(
    "html head title style body a header h1 h2 h3 p strong nav ul li main section dl dt dd table caption thead tbody tr th td "
    "details summary figure figcaption div span code time bdi svg text footer".split())


class Page(HTMLParser):
    def __init__(self, name):
        super().__init__(convert_charrefs=True)
        self.name, self.faults, self.open, self.ids, self.wanted, self.headings = name, [], [], set(), set(), []
        self.tables = []

    def fault(self, words):
        self.faults.append(f"{self.name}:{self.getpos()[0]}: {words}")

    def handle_startendtag(self, tag, attributes):
        if tag not in ALONE:
            self.fault(f"<{tag}/> closes itself")
        self.check(tag, dict(attributes))

    def handle_starttag(self, tag, attributes):
        self.check(tag, dict(attributes))
        if len(dict(attributes)) != len(attributes):
            self.fault(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(set())
        elif tag in ("caption", "thead", "tbody") and self.tables:
            self.tables[-1].add(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def check(self, tag, attributes):
        if tag not in ALLOWED:
            self.fault(f"<{tag}> is not one of ours")
        for key, value in attributes.items():
            if key.startswith("on") or key in ("style", "src", "srcdoc", "action", "xlink:href"):
                self.fault(f"<{tag} {key}>")
            if key == "href" and re.match(r"\s*(javascript|data|vbscript|//)", value or "", re.I):
                self.fault(f"link to {value}")
            if key == "href" and (value or "").startswith("/"):
                self.fault(f"{value} is not relative")
        if "id" in attributes:
            if attributes["id"] in self.ids:
                self.fault(f"id {attributes['id']} twice")
            self.ids.add(attributes["id"])
        for key in ("aria-labelledby", "aria-describedby"):
            self.wanted |= set((attributes.get(key) or "").split())
        if attributes.get("href", "").startswith("#"):
            self.wanted.add(attributes["href"][1:])
        if tag == "svg" and not ("aria-hidden" in attributes or attributes.get("aria-label")):
            self.fault("<svg> without a label")
        if tag == "th" and "scope" not in attributes:
            self.fault("<th> without a scope")

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.fault(f"</{tag}> where {self.open[-1:] or 'nothing'} is open")
            return
        self.open.pop()
        if tag == "table" and self.tables.pop() != {"caption", "thead", "tbody"}:
            self.fault("a table without caption, head or body")

    def handle_comment(self, data):
        self.fault("a comment")

    def finish(self):
        self.close()
        if self.open:
            self.fault(f"not closed: {self.open}")
        for missing in self.wanted - self.ids:
            self.fault(f"nothing has the id {missing}")
        if self.headings[:1] != [1] or self.headings.count(1) != 1:
            self.fault("not one h1 at the start")
        for before, after in zip(self.headings, self.headings[1:]):
            if after > before + 1:
                self.fault(f"h{after} after h{before}")


def main():
    faults = []
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8", newline="") as file:
            text = file.read()
        page = Page(name.rsplit("/", 1)[-1])
        if not text.startswith("<!DOCTYPE html>\n<html lang="):
            page.fault("no doctype and language at the start")
        hidden = [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u200b\u202e\u2028")]
        if hidden:
            page.fault(f"characters that nobody sees: {hidden!r}")
        page.feed(text)
        page.finish()
        faults += page.faults
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
