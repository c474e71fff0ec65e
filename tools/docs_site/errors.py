"""Every error that the port answers with, and every exit code of opsctl."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache

from docs_site.attributes import attribute_docstrings
from docs_site.markdown import code, labelled, prose, sentence, slug, table
from ops_client import _status
from ops_client.cli.exit_codes import CODES as EXIT_CODES
from ops_client.cli.exit_codes import ExitCode
from ops_service import errors
from ops_service.gate.status import CODES

ERRORS_PAGE = "errors.md"
_EVERY_CALL = "Every one."
_NO_CALL = "None"


@dataclass(frozen=True)
class Error:
    """One reason, as `ErrorInfo.reason` has it."""

    reason: str
    name: str
    """Of the exception on the host's side."""
    text: str
    status: str
    """Name of the gRPC status code."""
    calls: str
    """Which calls end with it, in words."""
    remedy: str

    @property
    def is_of_every_call(self) -> bool:
        return self.calls == _EVERY_CALL

    @property
    def methods(self) -> set[str]:
        """The methods that it names."""
        if self.is_of_every_call or self.calls.startswith(_NO_CALL):
            return set()
        return set(re.findall(r"\w+", self.calls))


@cache
def read_errors() -> tuple[Error, ...]:
    """All errors, in the order of the table in `ops_service.gate.status`."""
    return tuple(
        Error(
            reason=kind.reason,
            name=kind.__name__,
            text=sentence(kind.__doc__),
            status=status.name,
            calls=labelled(kind.__doc__, "Calls"),
            remedy=labelled(kind.__doc__, "Remedy"),
        )
        for kind, status in CODES.items()
    )


def error_kinds() -> set[type[errors.OpsServiceError]]:
    """The classes of `ops_service.errors`."""
    return {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.OpsServiceError)
    }


def error_reference() -> str:
    """The generated part of the page of errors."""
    parts = []
    for each in read_errors():
        raised = _status.REASONS.get(each.reason)
        parts.append(f"## {each.reason}\n\n{each.text}\n")
        parts.append(f"- **Remedy**: {each.remedy}")
        parts.append(f"- **gRPC status**: {code(each.status)}")
        parts.append(f"- **Calls**: {each.calls}")
        parts.append(f"- **On the host**: `ops_service.errors.{each.name}`")
        if raised is not None:
            exit_code = EXIT_CODES[raised]
            link = f"[{exit_code.value}](opsctl.md#exit-codes)"
            parts.append(f"- **In the client**: `ops_client.errors.{raised.__name__}`")
            parts.append(f"- **Exit code of opsctl**: {link}")
        parts.append("")
    return "\n".join(parts)


def exit_codes() -> str:
    """The table of opsctl's exit codes."""
    meanings = attribute_docstrings(ExitCode)
    reasons = {
        EXIT_CODES[kind]: reason for reason, kind in _status.REASONS.items() if reason != "INTERNAL"
    }
    rows = []
    for each in ExitCode:
        name = code(each.name)
        if each in reasons:
            name = f"[{name}]({ERRORS_PAGE}#{slug(reasons[each])})"
        rows.append((str(each.value), name, prose(meanings[each.name])))
    return table(("code", "name", "meaning"), rows)
