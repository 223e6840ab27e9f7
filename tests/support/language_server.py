"""yaml-language-server as an editor runs it: a document in, what it finds wrong out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

_LOCAL = Path(sys.prefix) / "node_modules" / ".bin"
PROGRAM = shutil.which("yaml-language-server", path=f"{_LOCAL}{os.pathsep}{os.environ.get('PATH', '')}")
needs_language_server = pytest.mark.skipif(
    PROGRAM is None,
    reason="yaml-language-server is not installed: npm install --prefix .venv yaml-language-server",
)
_SETTINGS = {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}


class LanguageServer:
    """The server as a context; it speaks JSON-RPC over pipes."""

    def __init__(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._number = 0

    def __enter__(self) -> LanguageServer:
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"publishDiagnostics": {}, "completion": {}},
        }
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()

    def diagnostics(self, path: Path, text: str) -> list[str]:
        """What is wrong with a document, as `LINE: message`, lines from 1."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while True:
            message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                found = message["params"]
                if found["uri"] == document["uri"]:
                    return [
                        f"{d['range']['start']['line'] + 1}: {d['message']}" for d in found["diagnostics"]
                    ]

    def completions(self, path: Path, line: int, character: int) -> list[str]:
        """What an editor offers at a place of an open document, which counts from 0."""
        position = {"line": line, "character": character}
        given = {"textDocument": {"uri": path.as_uri()}, "position": position}
        return [item["label"] for item in self.request("textDocument/completion", given)["items"]]

    def request(self, method: str, params: dict[str, Any]) -> Any:
        """Send a request, and wait for its answer."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._number and "method" not in message:
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; what the server asks for is answered."""
        stdout = self._process.stdout
        assert stdout is not None
        size = 0
        while line := stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        assert size, "yaml-language-server has ended"
        message: dict[str, Any] = json.loads(stdout.read(size))
        if "id" in message and "method" in message:
            items = message.get("params", {}).get("items", [])
            result = [_SETTINGS if item.get("section") == "yaml" else None for item in items]
            self._send({"id": message["id"], "result": result or None})
        return message
