"""Turn a growth history into the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from google.protobuf.timestamp_pb2 import Timestamp

from ops_client._history import GrowthHistory
from ops_client._path_words import HELD_BY
from ops_client._units import size
from ops_client.growth_page.chart import Line, small_chart, time_chart
from ops_client.growth_page.style import STYLE
from ops_service.v1 import growth_history_pb2, growth_pb2

_VERDICTS = {
    growth_pb2.HEAP_GROWTH_VERDICT_LEAK: ("leak", "It leaks"),
    growth_pb2.HEAP_GROWTH_VERDICT_NO_LEAK: ("fine", "No leak"),
    growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON: ("outside", "Growth outside Python"),
    growth_pb2.HEAP_GROWTH_VERDICT_INCONCLUSIVE: ("open", "Not decided"),
}


def growth_page(history: GrowthHistory) -> str:
    """Return the page as HTML that loads nothing and runs nothing.

    Names from the application are escaped, so they always appear as text.
    """
    return "".join(_page(history))


def _page(history: GrowthHistory) -> Iterator[str]:
    process = history.header.watched_process
    title = f"Memory growth of process {process.pid} on {process.host_name}"
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
    )
    yield f'<p class="facts">{escape(_facts(history))}</p>'
    report = history.latest
    if report is None:
        yield "<p>No sample was taken.</p>"
    else:
        kind, words = _VERDICTS.get(report.verdict, ("open", "Not known"))
        yield (
            f'<section class="verdict {kind}"><h2>{words}</h2><p>{escape(report.reason)}</p>'
            f"{_missing(report)}</section>"
        )
        yield from _memory(history)
        yield from _suspects(history)
        yield from _outside(report)
        yield from _types(report.types)
    yield from _events(history.events)
    warnings = [*history.warnings, *(report.warnings if report else ())]
    if warnings:
        items = "".join(f"<li>{escape(each)}</li>" for each in warnings)
        yield f"<section><h2>Warnings</h2><ul>{items}</ul></section>"
    yield "</main></body></html>\n"


def _facts(history: GrowthHistory) -> str:
    header = history.header
    state = "running" if header.running else "ended"
    reports = history.reports
    text = f"Instance {header.watched_process.instance_id}, {state}."
    if reports:
        begin, end = _moment(reports[0].sample_time), _moment(reports[-1].sample_time)
        text += f" {reports[-1].sample_count} samples from {begin} to {end} UTC."
    return text


def _missing(report: growth_pb2.HeapGrowthReport) -> str:
    return f"<p>Still missing: {escape(report.missing)}.</p>" if report.missing else ""


def _memory(history: GrowthHistory) -> Iterator[str]:
    reports = history.reports
    times = [_seconds(each.sample_time) for each in reports]
    lines = [
        Line("resident", "resident", [each.resident_bytes for each in reports]),
        Line("Python objects", "python", [each.total_size for each in reports]),
    ]
    marks = [
        (_seconds(each.time), f"{each.event.rule}: {each.event.reason}")
        for each in history.events
        if times[0] <= _seconds(each.time) <= times[-1]
    ]
    yield '<section id="memory"><h2>Resident memory and live Python objects</h2>'
    yield '<p class="legend"><span class="key resident"></span>resident memory'
    yield '<span class="key python"></span>bytes of live Python objects'
    if marks:
        yield '<span class="key rule"></span>a rule fired'
    yield f"</p>{time_chart(times, lines, size, marks)}</section>"


def _suspects(history: GrowthHistory) -> Iterator[str]:
    report = history.suspected
    if report is None:
        return
    yield '<section id="suspects"><h2>Suspects</h2>'
    if report != history.latest:
        yield (
            f"<p>As of sample {report.sample_count}, {_moment(report.sample_time)} UTC; the latest "
            "sample names none.</p>"
        )
    for number, each in enumerate(report.suspects, 1):
        counts, sizes = each.count_per_minute, each.size_per_minute
        yield f'<article class="suspect"><h3>{number}. {escape(each.type_name)}</h3><dl>'
        facts = [
            (HELD_BY, each.holder.path),
            ("of a", each.holder.owner_type),
            ("path", each.sample_path),
            ("now", f"{each.count:,} instances, {size(each.total_size)} with what they hold"),
            (
                "rate",
                f"{counts.rate:+,.1f} instances a minute "
                f"({counts.low:+,.1f} to {counts.high:+,.1f}), "
                f"{_signed(sizes.rate)} a minute ({_signed(sizes.low)} to {_signed(sizes.high)})",
            ),
            ("along with", ", ".join(each.also)),
            ("allocated at", ", ".join(each.allocation_sites)),
            ("why", each.reason),
        ]
        for name, value in facts:
            if value:
                yield f"<dt>{name}</dt><dd>{escape(value)}</dd>"
        yield '</dl><div class="curves">'
        curves = [
            ("instances", each.counts, f"{each.count:,}"),
            ("bytes", each.sizes, size(each.total_size)),
            ("length of the holder", each.holder.lengths, ""),
        ]
        for name, values, now in curves:
            if values:
                now = now or f"{values[-1]:,}"
                yield (
                    f"<figure>{small_chart(list(values), 'python')}"
                    f"<figcaption>{name}: {now}</figcaption></figure>"
                )
        yield "</div></article>"
    yield "</section>"


def _outside(report: growth_pb2.HeapGrowthReport) -> Iterator[str]:
    if not report.outside:
        return
    yield "<section><h2>Outside Python</h2><table><thead><tr><th>part</th>"
    yield '<th class="number">bytes a minute</th><th>what to do</th></tr></thead><tbody>'
    for each in report.outside:
        name = growth_pb2.OutsidePart.Name(each.part).removeprefix("OUTSIDE_PART_")
        yield f"<tr><td>{name.lower().replace('_', ' ')}</td>"
        yield f'<td class="number">{_signed(each.bytes_per_minute.rate)}</td>'
        yield f"<td>{escape(each.advice)}</td></tr>"
    yield "</tbody></table></section>"


def _types(types: Sequence[growth_pb2.HeapTypeGrowth]) -> Iterator[str]:
    if not types:
        return
    yield '<section id="types"><h2>Types that grew</h2><table><thead><tr><th>type</th>'
    for name in ("instances", "more", "a minute", "bytes", "more"):
        yield f'<th class="number">{name}</th>'
    yield "</tr></thead><tbody>"
    for each in types:
        yield f"<tr><td>{escape(each.type_name)}</td>"
        for value in (
            f"{each.count:,}",
            f"{each.count_difference:+,}",
            f"{each.count_per_minute:+,.0f}",
            size(each.total_size),
            _signed(each.size_difference),
        ):
            yield f'<td class="number">{value}</td>'
        yield "</tr>"
    yield "</tbody></table></section>"


def _events(events: Sequence[growth_history_pb2.GrowthRecord]) -> Iterator[str]:
    if not events:
        return
    yield '<section id="rules"><h2>Rules that fired</h2><table><thead><tr><th>time (UTC)</th>'
    yield "<th>rule</th><th>reason</th><th>actions</th></tr></thead><tbody>"
    for each in events:
        event = each.event
        done = ", ".join(event.actions)
        if event.snapshot_id:
            done += f"; snapshot {event.snapshot_id}"
        if event.problem:
            done += f"; {event.problem}"
        yield f"<tr><td>{_moment(each.time)}</td><td>{escape(event.rule)}</td>"
        yield f"<td>{escape(event.reason)}</td><td>{escape(done)}</td></tr>"
    yield "</tbody></table></section>"


def _seconds(time: Timestamp) -> float:
    return time.ToNanoseconds() / 1e9


def _moment(time: Timestamp) -> str:
    return datetime.fromtimestamp(time.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _signed(count: float) -> str:
    return ("+" if count > 0 else "") + size(count)
