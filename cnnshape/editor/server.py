"""The editor's server, by the Language Server Protocol on standard input and output.

Every change of an open text is examined: the first at once, those of a burst together. Diagnostics are published for the
text and the files that it includes; where the causes take longer, they follow. The features answer from the same views.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from cnnshape.editor.actions import actions
from cnnshape.editor.changes import edit_of
from cnnshape.editor.completion import completion
from cnnshape.editor.diagnostics import diagnostics, range_of
from cnnshape.editor.hints import hints
from cnnshape.editor.hover import hover
from cnnshape.editor.names import occurrences, renamed, symbol_at
from cnnshape.editor.text import Text
from cnnshape.editor.view import Document, View, may_be_ours, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from cnnshape.file.architecture import Block
    from cnnshape.file.source import Source

REST: Final = 0.05  # seconds between two examinations, in which changes gather
PATIENCE: Final = 0.2  # seconds that the diagnostics of small nets wait for their causes
LARGE: Final = 200  # layers; of more, the causes follow when the typing pauses
PAUSE: Final = 0.5  # seconds

T = TypeVar("T")
KINDS: Final = (types.CodeActionKind.QuickFix, types.CodeActionKind.RefactorRewrite)

REFUSED: Final = -32803  # the protocol's code of a request that is well, and cannot be done

Found = dict[str, list[types.Diagnostic]]  # by the URI of the file


class Server(LanguageServer):
    """The open texts, their views, and what was published of them."""

    def __init__(self) -> None:
        version = sys.modules["cnnshape"].__version__
        super().__init__("cnnshape", version, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.documents: dict[str, Document] = {}
        self.views: dict[str, View] = {}  # of the texts as they are now
        self.blocks: dict[str, dict[str, Block]] = {}  # of each open text, when it was last TOML
        self.published: dict[str, Found] = {}  # of each open text
        self.todo: dict[str, str] = {}  # the texts to be examined, each with the reason
        self.changed = asyncio.Event()
        self.begins = 0.0  # the earliest time of the next examination
        self.working: asyncio.Task[None] | None = None
        self.diagnosing = asyncio.Lock()
        self.hints = True  # the setting

    @property
    def encoding(self) -> str:
        encoding = self.workspace.position_encoding or types.PositionEncodingKind.Utf16
        return str(getattr(encoding, "value", encoding))

    @property
    def takes_versions(self) -> bool:
        """Whether the client takes edits that say which version they are for."""
        edits = self.client_capabilities.workspace and self.client_capabilities.workspace.workspace_edit
        return bool(edits and edits.document_changes)

    # Changes

    def put(self, uri: str, number: int | None, text: str) -> None:
        """Take the text of a document that was opened or changed."""
        reason = "changed" if uri in self.documents else "opened"
        self.documents[uri] = Document(uri, number, Text(text, self.encoding))
        self.renew(uri, reason)
        self.renew_including(self.documents[uri].path)

    def close(self, uri: str) -> None:
        """Forget a document; what was published of it is cleared, and its file is that on the disk again."""
        document = self.documents.pop(uri, None)
        self.views.pop(uri, None)
        self.todo.pop(uri, None)
        self.blocks.pop(uri, None)
        self.publish({uri: None})
        if document:
            self.renew_including(document.path)

    def renew(self, uri: str, reason: str) -> None:
        """Have a document examined anew, since it was "opened" or "changed", or includes one that was."""
        self.views.pop(uri, None)
        self.todo.setdefault(uri, reason)
        self.changed.set()
        if self.working is None or self.working.done():
            self.working = asyncio.create_task(self.work())

    def renew_including(self, path: Path | None) -> None:
        """Have all documents examined anew that look for a file."""
        for uri, view in [*self.views.items()]:
            if path in view.asked:
                self.renew(uri, "includes")

    # Answers

    def view(self, uri: str) -> View | None:
        """Return the view of an open text as it is now; None of one that is no architecture."""
        document = self.documents.get(uri)
        if document and uri not in self.views and may_be_ours(document.text.text):
            self.views[uri] = View(document, [other for other in self.documents.values() if other is not document])
        view = self.views.get(uri)
        if view and view.readable:
            self.blocks[uri] = view.examination.architecture.file.blocks
        return view if view and view.ours else None

    def all_views(self) -> list[View]:
        """Return the views of all open texts that are architectures."""
        return [view for uri in self.documents if (view := self.view(uri))]

    async def work(self) -> None:
        """Examine what is to be examined, and publish it, until nothing is left."""
        while self.todo:
            await asyncio.sleep(max(0.0, self.begins - time.monotonic()))
            todo, self.todo = self.todo, {}
            self.changed.clear()
            views = {uri: self.view(uri) for uri in todo}
            found = [view for view in views.values() if view]
            large = sum(len(view.net.nodes) for view in found) > LARGE
            causes = asyncio.create_task(self.diagnose(found, PAUSE if large else 0))
            if not large:
                changed = asyncio.create_task(self.changed.wait())
                await asyncio.wait({causes, changed}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            self.publish({uri: view for uri, view in views.items() if uri in self.documents})  # some may be closed
            if not causes.done():
                causes.add_done_callback(partial(self.complete, views))
            if "changed" in todo.values():
                self.begins = time.monotonic() + REST
            if "includes" in todo.values() or any(view.asked & view.open.keys() for view in found):
                self.refresh_hints()

    async def diagnose(self, views: Iterable[View], pause: float = 0) -> None:
        """Work out the causes of all problems, in a thread: those of large nets take seconds."""
        await asyncio.sleep(pause)
        for view in (view for view in views if not view.diagnosed):
            async with self.diagnosing:
                if not view.diagnosed and self.views.get(view.document.uri) is view:
                    await in_thread(view.diagnose)

    def complete(self, views: dict[str, View | None], causes: asyncio.Task[None]) -> None:
        """Publish once more, with causes, what has not changed meanwhile."""
        if not causes.cancelled():  # as all tasks are at the server's end
            self.publish({uri: view for uri, view in views.items() if view and self.views.get(uri) is view})

    def publish(self, views: dict[str, View | None]) -> None:
        """Publish the problems of documents, in all files that they are in; None clears them."""
        versions = {uri: document.version for uri, document in self.documents.items()}
        targets: dict[str, None] = {}
        for uri, view in views.items():
            targets.update(dict.fromkeys(self.published.pop(uri, {})))
            if view:
                self.published[uri] = diagnostics(view)
                targets.update(dict.fromkeys(self.published[uri]))
                versions |= view.versions
        for target in targets:
            everywhere = [one for files in self.published.values() for one in files.get(target, [])]
            everywhere.sort(
                key=lambda one: len(one.related_information or ())
            )  # of one problem by two nets, the fuller
            different = {(str(one.range), one.code, one.message): one for one in everywhere}
            found = types.PublishDiagnosticsParams(target, [*different.values()], versions.get(target))
            self.text_document_publish_diagnostics(found)

    def refresh_hints(self) -> None:
        """Ask the client for hints anew, where a document changed that it did not touch."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    # Settings

    def configure(self, settings: Any) -> None:
        """Take the settings of a client: { inlayHints = true }, on their own or as `cnnshape` among others."""
        own = settings.get("cnnshape", settings) if isinstance(settings, dict) else None
        given = own.get("inlayHints") if isinstance(own, dict) else None
        if isinstance(given, bool) and given != self.hints:
            self.hints = given
            self.refresh_hints()


async def in_thread(work: Callable[[], T]) -> T:
    """Run some work beside the loop; at the end of the process nobody waits for it."""
    loop = asyncio.get_running_loop()
    done: concurrent.futures.Future[T] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()  # from here on it has a result, though a client that cancels takes none

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001 -- whoever waits gets it
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(done, loop=loop)


def start() -> int:
    """Serve one client on standard input and output; return the exit status: 0 where it had the server shut down."""
    server = Server()
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_unexpected)
    for name, (handler, options) in FEATURES.items():
        server.feature(name, options)(handler)
    server.start_io()
    return int(not server.protocol._shutdown)  # noqa: SLF001 -- start_io returns where pygls exits


def _unexpected(record: logging.LogRecord) -> bool:
    """Say whether a line of the log is about more than a request that was refused."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


# The features: each takes the server and the client's words, and answers from the view of the text


def initialize(ls: Server, params: types.InitializeParams) -> None:
    ls.configure(params.initialization_options)


def initialized(ls: Server, _: types.InitializedParams) -> None:
    """Have the client tell of files that change on the disk, and say its settings."""
    workspace = ls.client_capabilities.workspace
    watched = workspace and workspace.did_change_watched_files
    if watched and watched.dynamic_registration:
        watchers = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*.toml")])
        watching = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watchers)
        ls.client_register_capability(types.RegistrationParams([watching]))
    ask_settings(ls)


def ask_settings(ls: Server) -> None:
    workspace = ls.client_capabilities.workspace
    if workspace and workspace.configuration:
        wanted = types.ConfigurationParams([types.ConfigurationItem(section="cnnshape")])
        ls.workspace_configuration(wanted, lambda found: ls.configure(found[0] if found else None))


def did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
    ls.configure(params.settings)
    if not params.settings:
        ask_settings(ls)


def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    document = params.text_document
    ls.put(document.uri, document.version, document.text)


def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    document = params.text_document
    for change in params.content_changes[-1:]:  # each has the whole text
        ls.put(document.uri, document.version, change.text)


def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.close(params.text_document.uri)


def did_change_watched_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    for change in params.changes:
        path = path_of(change.uri)
        if path not in {document.path for document in ls.documents.values()}:
            ls.renew_including(path)


def inlay_hint(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.hints:
        return []
    lines = range(params.range.start.line, params.range.end.line + 1)
    return [*hints(document, ls.all_views(), lines)]


def located(ls: Server, params: Any) -> Iterator[tuple[View, Source, int]]:
    """Yield the views that a document is a file of, that of itself first, with its text that is TOML and the offset asked for."""
    uri = params.text_document.uri
    document, views = ls.documents.get(uri), ls.all_views()
    for view in sorted(views, key=lambda view: (view.report is None, view.document.uri != uri)):  # a net knows more
        source = view.source_of(document) if document else None
        if document and source:
            yield view, source, document.text.of_source(document.text.offset(params.position))


async def hover_(ls: Server, params: types.HoverParams) -> types.Hover | None:
    for view, source, offset in located(ls, params):
        if found := await in_thread(partial(hover, view, source, offset)):
            return found
    return None


async def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = ls.documents.get(params.text_document.uri)
    found: list[types.CodeAction] = []
    for view in ls.all_views():
        if document is None or not (document is view.document or document.path in view.asked):
            continue  # none of its files: its causes are not waited for
        await ls.diagnose([view])
        if ls.views.get(view.document.uri) is view:
            offered = partial(actions, view, document, params.range, versioned=ls.takes_versions)
            found += [one for one in await in_thread(offered) if one not in found]
    return found


def completion_(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    blocks = ls.blocks.get(document.uri, {})
    ours = bool(ls.view(document.uri) or blocks)
    return completion(document, document.text.offset(params.position), blocks, ours=ours)


def definition(ls: Server, params: types.DefinitionParams) -> types.Location | None:
    for view, source, offset in located(ls, params):
        if found := symbol_at(view, source, offset):
            for one in occurrences(view):
                if one.defines and one.symbol == found.symbol:
                    return types.Location(view.uri(one.place.source), range_of(view, one.place))
    return None


def prepare_rename(ls: Server, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
    for view, source, offset in located(ls, params):
        if found := symbol_at(view, source, offset):
            return types.PrepareRenamePlaceholder(range_of(view, found.place), found.symbol.name)
    return None


def rename(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
    """Rename a symbol in all open nets that have it. Raises JsonRpcException where one would be another net."""
    found = [
        (view, one.symbol) for view, source, offset in located(ls, params) if (one := symbol_at(view, source, offset))
    ]
    if not found:
        raise JsonRpcException("there is no name here that can be changed", REFUSED)
    try:
        changes = renamed(ls.all_views(), found[0][1], params.new_name)
    except ValueError as error:
        raise JsonRpcException(str(error), REFUSED) from None
    return edit_of(found[0][0], changes, versioned=ls.takes_versions)


FEATURES: Final[dict[str, tuple[Any, Any]]] = {  # by the method: the function, and options
    types.INITIALIZE: (initialize, None),
    types.INITIALIZED: (initialized, None),
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: (did_change_configuration, None),
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (did_change_watched_files, None),
    types.TEXT_DOCUMENT_DID_OPEN: (did_open, None),
    types.TEXT_DOCUMENT_DID_CHANGE: (did_change, None),
    types.TEXT_DOCUMENT_DID_CLOSE: (did_close, None),
    types.TEXT_DOCUMENT_INLAY_HINT: (inlay_hint, None),
    types.TEXT_DOCUMENT_HOVER: (hover_, None),
    types.TEXT_DOCUMENT_CODE_ACTION: (code_action, types.CodeActionOptions(code_action_kinds=[*KINDS])),
    types.TEXT_DOCUMENT_COMPLETION: (completion_, types.CompletionOptions(trigger_characters=['"', " ", "{", ","])),
    types.TEXT_DOCUMENT_DEFINITION: (definition, None),
    types.TEXT_DOCUMENT_PREPARE_RENAME: (prepare_rename, None),
    types.TEXT_DOCUMENT_RENAME: (rename, None),
}
