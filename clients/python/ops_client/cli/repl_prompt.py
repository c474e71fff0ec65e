"""The prompt of opsctl repl: lines, history and completion."""

from __future__ import annotations

import codeop
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from ops_client.cli.terminal import complain, printable

Complete = Callable[[str, int], Awaitable[tuple[int, list[str]]]]


class _RemoteCompleter(Completer):
    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        start, candidates = await self._complete(document.text, document.cursor_position)
        for each in candidates:
            yield Completion(printable(each), start_position=start - document.cursor_position)


class Prompt:
    """Reads input of one or more lines."""

    def __init__(self, history: Path, complete: Complete) -> None:
        self._session: PromptSession[str] = PromptSession(
            ">>> ",
            history=_open_history(history),
            completer=_RemoteCompleter(complete),
            complete_while_typing=False,
            multiline=True,
            prompt_continuation="... ",
            key_bindings=_bindings(),
            enable_open_in_editor=False,
        )

    async def read(self, text: str = "") -> str | None:
        """Read the next input. Returns None for Ctrl-D.

        Args:
            text: Initial text at the prompt.
        """
        while True:
            try:
                return without_margin(await self._session.prompt_async(default=text))
            except KeyboardInterrupt:
                text = ""
            except EOFError:
                return None


def _open_history(path: Path) -> History:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Input may contain anything, so only the user may read the file.
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError as error:
        complain(f"{path} cannot be written ({error.strerror}), so your input is not kept.")
        return InMemoryHistory()
    return FileHistory(str(path))


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def enter(event: KeyPressEvent) -> None:
        buffer: Buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None
        elif is_whole(buffer.text) and buffer.document.is_cursor_at_the_end:
            buffer.validate_and_handle()
        else:
            buffer.newline(copy_margin=True)

    return bindings


def without_margin(text: str) -> str:
    """Empty the last line of a text if it is blank: an empty line ends a block.

    The prompt copies the margin of the line before it; the user did not type that.
    """
    before, _, last = text.rpartition("\n")
    return f"{before}\n" if before and not last.strip() else text


def is_whole(text: str) -> bool:
    """Whether a text is complete enough to send. The server decides in the end."""
    if "\n" in text and not text.rsplit("\n", 1)[1].strip():
        return True
    try:
        return codeop.compile_command(text, "<input>", "single") is not None
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        # Invalid, or valid only in the Python version of the server.
        return True
