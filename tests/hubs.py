"""A hub on this machine: what its clients ask of one, answered from folders."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Repository:
    """Commits by revision, files by commit.

    Args:
        gated: whose token may read it; None where everybody may.
    """

    private: bool = False
    gated: str | None = None
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Files] = field(default_factory=dict)

    def add(self, files: Files, revision: str = "main") -> str:
        commit = hashlib.sha1(repr((sorted(files.items()), len(self.commits))).encode()).hexdigest()
        self.refs[revision], self.commits[commit] = commit, files
        return commit

    def commit(self, revision: str) -> str | None:
        return self.refs.get(revision, revision if revision in self.commits else None)


@dataclass
class Hub:
    """Repositories by "models/owner/name" and "datasets/owner/name"."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    endpoint: str = ""

    def put(self, name: str, folder: Path, revision: str = "main", **how: Any) -> str:
        """Add a folder as a commit; its hash."""
        files = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
        return self.repositories.setdefault(name, Repository(**how)).add(files, revision)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def __init__(self, hub: Hub, *arguments: Any) -> None:
        self.hub = hub
        super().__init__(*arguments)

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def _get(self) -> None:
        words = [unquote(word) for word in urlsplit(self.path).path.strip("/").split("/")]
        api = words[0] == "api"
        words = words[1:] if api else words
        kind = words.pop(0) if words[0] in ("models", "datasets") else "models"
        owner, name, *rest = words
        repository = self.hub.repositories.get(f"{kind}/{owner}/{name}")
        if repository is None:
            return self._say(401, {"error": "not found"}, {"X-Error-Code": "RepoNotFound"})
        if repository.private and self.headers.get("Authorization") != "Bearer hf_mine":
            return self._say(404, {"error": "not found"}, {"X-Error-Code": "RepoNotFound"})
        if repository.gated not in (None, self.headers.get("Authorization")):
            return self._say(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
        what, revision, *inside = rest or ["info", "main"]
        commit = repository.commit(revision)
        if commit is None:
            return self._say(404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound"})
        files = repository.commits[commit]
        if what == "resolve":
            return self._file(files, "/".join(inside), commit)
        if what == "tree":
            return self._say(200, _tree(files, "/".join(inside)))
        held = [{"rfilename": path} for path in files]
        told = {"id": f"{owner}/{name}", "sha": commit, "siblings": held, "tags": []}
        return self._say(200, {**told, "private": repository.private, "gated": False})

    def _file(self, files: Files, path: str, commit: str) -> None:
        if path not in files:
            return self._say(404, {}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        mark = hashlib.sha1(files[path]).hexdigest()
        return self._say(200, files[path], {"ETag": f'"{mark}"', "X-Repo-Commit": commit})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        words = urlsplit(self.path).path.strip("/").split("/")[1:]
        if words == ["validate-yaml"]:
            return self._say(200, {"errors": [], "warnings": []})
        if words[0] == "repos" and self.headers.get("Authorization") == "Bearer hf_reader":
            return self._say(403, {"error": "may not write"})
        if words == ["repos", "create"]:
            told = json.loads(body)
            named = f"models/{told.get('organization') or 'me'}/{told['name']}"
            if named in self.hub.repositories:
                return self._say(409, {"url": f"{self.hub.endpoint}/{named.partition('/')[2]}"})
            made = Repository(private=told.get("private") or told.get("visibility") == "private")
            made.add({".gitattributes": b""})
            self.hub.repositories[named] = made
            return self._say(200, {"url": f"{self.hub.endpoint}/{named.partition('/')[2]}"})
        kind, owner, name, what, revision = words
        repository = self.hub.repositories[f"{kind}/{owner}/{name}"]
        files = repository.commits[repository.commit(revision) or ""]
        if what == "paths-info":
            asked = json.loads(body)["paths"]
            return self._say(200, [each for each in _tree(files, "") if each["path"] in asked])
        if what == "preupload":
            paths = [each["path"] for each in json.loads(body)["files"]]
            modes = [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in paths]
            return self._say(200, {"files": modes})
        files = {**files, **_written(body)}
        commit = repository.add(files, revision)
        url = f"{self.hub.endpoint}/{owner}/{name}/commit/{commit}"
        return self._say(200, {"success": True, "commitOid": commit, "commitUrl": url})

    def _say(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _tree(files: Files, folder: str) -> list[dict[str, Any]]:
    within = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for path, content in files.items():
        if path.startswith(within):
            mark = hashlib.sha1(content).hexdigest()
            found[path] = {"type": "file", "path": path, "size": len(content), "oid": mark}
    return list(found.values())


def _written(body: bytes) -> Files:
    files = {}
    for line in body.splitlines():
        told = json.loads(line)
        if told["key"] == "file":
            files[told["value"]["path"]] = base64.b64decode(told["value"]["content"])
    return files


def without_token() -> dict[str, str]:
    """The environment, but for the token of whoever runs the tests."""
    own = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    return {name: value for name, value in os.environ.items() if name not in own}


@contextmanager
def serving(hub: Hub) -> Iterator[dict[str, str]]:
    """Answer on this machine; what the environment of a client must say."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, hub))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
    finally:
        server.shutdown()
        server.server_close()
