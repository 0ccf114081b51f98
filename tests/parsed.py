"""The page as its text tells it: elements, what runs, and what a reader sees."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """Every element with its attributes, the scripts' texts, and the text that is shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.shown = ""
        self._within = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = attributes, text + data
        elif self._within != "style":
            self.shown += data

    def attributes(self, name: str) -> list[str | None]:
        """The values of an attribute, wherever it stands."""
        return [given[name] for _, given in self.elements if name in given]

    @property
    def data(self) -> Any:
        """What the block of data holds."""
        (text,) = [text for given, text in self.scripts if given.get("type")]
        return json.loads(text)

    @property
    def running(self) -> list[str]:
        """The texts of the scripts that run."""
        return [text for given, text in self.scripts if not given.get("type")]

    @property
    def allowed(self) -> set[str]:
        """The hashes of scripts that the page's policy lets run."""
        (policy,) = [given["content"] for _, given in self.elements if "http-equiv" in given]
        return set(re.findall(r"'(sha256-[^']+)'", policy or ""))


def digest(text: str) -> str:
    """A script's hash as a policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
