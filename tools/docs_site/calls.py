"""Every call with its capability, cost and errors; and the messages of the contract."""

from __future__ import annotations

from collections.abc import Iterator

from docs_site.contract import Message, Method, read_messages, read_methods
from docs_site.errors import ERRORS_PAGE, read_errors
from docs_site.markdown import code, slug, table
from ops_service.v1 import annotations_pb2

CALLS_PAGE = "calls.md"
MESSAGES_PAGE = "messages.md"


def message_link(name: str) -> str:
    """A link to a message of the contract, or to one of its fields' types."""
    return f"[`{name}`]({MESSAGES_PAGE}#{slug(name)})"


def error_links(method: str | None) -> str:
    """Links to the errors of one method alone, or to those of every method."""
    return ", ".join(
        f"[{code(each.reason)}]({ERRORS_PAGE}#{slug(each.reason)})"
        for each in read_errors()
        if (each.is_of_every_call if method is None else method in each.methods)
    )


def _call(method: Method) -> Iterator[str]:
    yield f"## {method.name}\n\n{method.text}\n"
    own = error_links(method.name)
    request = ("stream of " if method.streams_requests else "") + message_link(method.request)
    response = ("stream of " if method.streams_responses else "") + message_link(method.response)
    yield f"- **Capability**: [`{method.capability}`](#capabilities)"
    yield f"- **Caller**: {method.caller}"
    yield f"- **Cost to the host**: {method.cost}"
    yield f"- **Request**: {request}"
    yield f"- **Response**: {response}"
    every = "[those of every call](#errors-of-every-call)"
    yield f"- **Errors**: {f'{own}, and {every}' if own else every}\n"


def calls() -> str:
    """The page's generated part."""
    methods = read_methods()
    overview = table(
        ("call", "capability", "what it does"),
        (
            (f"[{each.name}](#{slug(each.name)})", code(each.capability), each.text)
            for each in methods
        ),
    )
    parts = [overview, _capabilities(), "## Errors of every call\n", error_links(None), ""]
    for each in methods:
        parts += _call(each)
    return "\n".join(parts)


def _capabilities() -> str:
    rows = []
    for _, messages in read_messages():
        for message in messages:
            if message.name == annotations_pb2.Capability.DESCRIPTOR.name:
                rows = [
                    (code(each.name.removeprefix("CAPABILITY_")), each.text)
                    for each in message.fields
                    if each.number != annotations_pb2.CAPABILITY_UNSPECIFIED
                ]
    return f"## Capabilities\n\n{table(('capability', 'what it allows'), rows)}"


def messages() -> str:
    """The generated part of the page of messages."""
    files = read_messages()
    known = {message.name for _, found in files for message in found}
    parts = []
    for file, found in files:
        parts.append(f"## {file.rpartition('/')[2]}\n")
        parts += [part for message in found for part in _message(message, known)]
    return "\n".join(parts)


def _message(message: Message, known: set[str]) -> Iterator[str]:
    yield f"### {message.name}\n\n{message.text}\n"
    if message.is_enum:
        rows = [(code(each.name), str(each.number), each.text) for each in message.fields]
        yield table(("value", "number", "meaning"), rows)
        return
    fields = []
    for each in message.fields:
        repeated, _, name = each.type.rpartition(" ")
        kind = f"{repeated} [`{name}`](#{slug(name)})" if name in known else code(each.type)
        fields.append((code(each.name), kind.strip(), str(each.number), each.text))
    yield table(("field", "type", "number", "meaning"), fields)
