"""An editor, as far as the server can tell: it speaks the protocol on pipes, and keeps what it is told.

It shares no code with the server, and checks each message against the protocol's types (lsprotocol).
"""

import json
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress

from lsprotocol import converters, types

from helpers.paths import ROOT

SECONDS = 60  # for an answer, on a machine with much else to do
CAPABILITIES = {
    "workspace": {
        "configuration": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "inlayHint": {"refreshSupport": True},
    },
    "textDocument": {"rename": {"prepareSupport": True}, "publishDiagnostics": {"relatedInformation": True}},
}


class Editor:
    def __init__(self, folder, encoding="utf-16", settings=None, options=None, capabilities=CAPABILITIES):
        command = [sys.executable, "-m", "cnnshape", "lsp", "--stdio"]
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.settings, self.number, self.version = settings, 0, 0
        self.inbox, self.published, self.asked, self.shown = queue.Queue(), [], [], []
        threading.Thread(target=self._read, daemon=True).start()
        general = {"general": {"positionEncodings": [encoding]}} if encoding else {}
        given = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities | general}
        self.capabilities = self.ask("initialize", **given, initializationOptions=options)["capabilities"]
        self.tell("initialized")

    # Messages

    def _read(self):
        out = self.process.stdout
        while header := out.readline():
            length = int(header.split(b":")[1])
            while out.readline().strip():
                pass
            self.inbox.put(json.loads(out.read(length)))
        self.inbox.put(None)

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _take(self, until):
        """Take the next message; what the server asks is answered."""
        message = self.inbox.get(timeout=max(0, until - time.monotonic()))
        if message is None:
            raise AssertionError(f"the server ended with {self.process.wait()}")
        method, given = message.get("method"), message.get("params")
        if method == "textDocument/publishDiagnostics":
            converters.get_converter().structure(given, types.PublishDiagnosticsParams)
            self.published.append(given)
        elif method and "id" in message:
            self.asked.append((method, given))
            result = [self.settings] if method == "workspace/configuration" else None
            self._send({"id": message["id"], "result": result})
        elif method:
            self.shown.append((method, given))
        return message

    def tell(self, method, **params):
        self._send({"method": method, "params": params})

    def ask(self, method, **params):
        """Return the answer to a request; an error is raised."""
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        until = time.monotonic() + SECONDS
        while True:
            message = self._take(until)
            if message.get("id") == self.number and "method" not in message:
                if "error" in message:
                    raise RefusedError(message["error"]["message"])
                return message["result"]

    # Documents

    def open(self, uri, text):
        self.version += 1
        document = {"uri": uri, "languageId": "toml", "version": self.version, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        return self.version

    def change(self, uri, text):
        self.version += 1
        document = {"uri": uri, "version": self.version}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])
        return self.version

    def close(self, uri):
        self.tell("textDocument/didClose", textDocument={"uri": uri})

    def saved(self, *uris):
        """Tell that files have changed on the disk."""
        self.tell("workspace/didChangeWatchedFiles", changes=[{"uri": uri, "type": 2} for uri in uris])

    def on(self, method, uri, line, character, **more):
        """Ask about a position."""
        at = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=at, **more)

    def hints(self, uri, first=0, last=10_000):
        """The labels of hints, by line."""
        lines = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
        found = self.ask("textDocument/inlayHint", textDocument={"uri": uri}, range=lines)
        return {hint["position"]["line"]: hint["label"] for hint in found}

    def until(self, holds, seconds=SECONDS):
        """Take messages until something holds of what was published so far; return it."""
        until = time.monotonic() + seconds
        while not (found := holds()):
            try:
                self._take(until)
            except queue.Empty:
                raise AssertionError(f"waited {seconds} s; published: {self.published[-3:]}") from None
        return found

    def diagnostics(self, uri, version=None, holds=lambda _: True):
        """The newest diagnostics of a file, of a version or later ones, once they hold."""

        def newest():
            for one in reversed(self.published):
                if one["uri"] == uri and (version is None or (one.get("version") or 0) >= version):
                    return one if holds(one["diagnostics"]) else None
            return None

        return self.until(newest)["diagnostics"]

    def end(self):
        """Shut the server down; return its exit status."""
        self.ask("shutdown")
        return self.exit()

    def exit(self):
        self.tell("exit")
        return self.process.wait(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with suppress(OSError, ValueError, subprocess.TimeoutExpired):  # it has ended
            self.exit()
        self.process.kill()
        self.process.wait()
        with suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()


class RefusedError(Exception):
    """The server answers a request with an error."""


def codes(diagnostics):
    return [one["code"] for one in diagnostics]


__all__ = ["ROOT", "Editor", "RefusedError", "codes"]
