"""Growth reports as text: a live table, lines, and the conclusion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from shlex import quote

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops_client._path_words import HELD_BY, holder_text
from ops_client.cli.terminal import printable, size
from ops_service.v1 import growth_pb2

_BARS = "▁▂▃▄▅▆▇█"
_BARS_WIDTH = 24
_STYLES = {
    growth_pb2.HEAP_GROWTH_VERDICT_LEAK: "bold red",
    growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON: "bold yellow",
    growth_pb2.HEAP_GROWTH_VERDICT_NO_LEAK: "bold green",
}


def verdict_name(verdict: growth_pb2.HeapGrowthVerdict) -> str:
    """Return the name of a verdict for display."""
    name = growth_pb2.HeapGrowthVerdict.Name(verdict)
    return name.removeprefix("HEAP_GROWTH_VERDICT_").replace("_", " ").lower()


def sparkline(values: Sequence[int]) -> str:
    """Draw values as a curve of small bars, scaled from the least to the greatest."""
    shown = values[-_BARS_WIDTH:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = max(high - low, 1)
    return "".join(_BARS[(value - low) * (len(_BARS) - 1) // span] for value in shown)


def line(report: growth_pb2.HeapGrowthReport) -> str:
    """Format a report as one line."""
    when = report.sample_time.ToDatetime().strftime("%H:%M:%S")
    resident = f", {size(report.resident_bytes)} resident" if report.resident_bytes else ""
    return (
        f"{when} UTC  sample {report.sample_count}: {report.object_count:,} objects, "
        f"{size(report.total_size)}{resident}; {verdict_name(report.verdict)}: {report.reason}"
    )


def conclusion(
    report: growth_pb2.HeapGrowthReport, trailer: growth_pb2.HeapGrowthTrailer
) -> Iterator[str]:
    """Yield the lines of the verdict and of the details in the last report."""
    yield (
        f"Verdict after {trailer.sample_count} samples: {verdict_name(trailer.verdict)}. "
        f"{trailer.reason}"
    )
    for number, each in enumerate(report.suspects, 1):
        yield f"{number}. {each.type_name}: {_rates(each)}"
        yield f"   {HELD_BY}  {holder_text(each.holder)}"
        yield f"   path     {each.sample_path}"
        if each.also:
            yield f"   along    {', '.join(each.also)}"
        for site in each.allocation_sites:
            yield f"   from     {site}"
        if each.survivors:
            yield f"   age      {_ages(each)}"
        yield f"   graph    opsctl heap path {quote(each.type_name)} -o graph.svg"
    for part in report.outside:
        name = growth_pb2.OutsidePart.Name(part.part).removeprefix("OUTSIDE_PART_").lower()
        rate = _bytes(part.bytes_per_minute.rate)
        yield f"Outside Python: {name.replace('_', ' ')} {rate} a minute"
        yield f"   {part.advice}"
    if report.HasField("baseline_time"):
        when = report.baseline_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S")
        yield f"Growth since the baseline of {when} UTC:"
        if report.reason_since_baseline:
            yield f"   {report.reason_since_baseline}"
        for each in report.suspects_since_baseline:
            grown = each.counts[-1] - each.counts[0] if each.counts else 0
            size_grown = each.sizes[-1] - each.sizes[0] if each.sizes else 0
            yield f"   {grown:+,} {each.type_name} ({_bytes(size_grown)})"
            yield f"      {HELD_BY}  {holder_text(each.holder)}"
        yield "By type:"
        for row in report.types_since_baseline:
            yield f"   {row.count_difference:+,} {row.type_name} ({_bytes(row.size_difference)})"
    if trailer.baseline_id:
        yield f"Baseline: {trailer.baseline_id}"


def _rates(suspect: growth_pb2.HeapGrowthSuspect) -> str:
    count, bytes_ = suspect.count_per_minute, suspect.size_per_minute
    return (
        f"{suspect.count:,} now, {count.rate:+,.1f} a minute ({count.low:+,.1f} to "
        f"{count.high:+,.1f}), {_bytes(bytes_.rate)} a minute"
    )


def _ages(suspect: growth_pb2.HeapGrowthSuspect) -> str:
    first, *others = (
        (f"{each.at_most:,}", f"{each.age.ToMilliseconds() / 1000:,.0f} s")
        for each in suspect.survivors
    )
    more = "".join(f", {count} as {age}" for count, age in others)
    return f"at most {first[0]} are as old as {first[1]}{more}"


def _bytes(count: float) -> str:
    return ("+" if count > 0 else "") + size(round(count))


@contextmanager
def live_table(on_terminal: bool) -> Iterator[Callable[[growth_pb2.HeapGrowthReport], None]]:
    """A table that updates in place on a terminal. Yields a function that shows a report."""
    if not on_terminal:
        yield lambda report: None
        return
    with Live(console=Console(markup=False, highlight=False), transient=True) as live:
        yield lambda report: live.update(_picture(report), refresh=True)


def _picture(report: growth_pb2.HeapGrowthReport) -> Group:
    head = Text(f"{verdict_name(report.verdict)}: ", style=_STYLES.get(report.verdict, "bold"))
    head.append(printable(report.reason), style="default")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("count", "a minute", "bytes a minute"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("curve", "type", HELD_BY):
        table.add_column(name, no_wrap=name == "curve")
    for each in report.suspects:
        table.add_row(
            f"{each.count:,}",
            f"{each.count_per_minute.rate:+,.1f}",
            _bytes(each.size_per_minute.rate),
            sparkline(each.counts if len(set(each.counts)) > 1 else each.sizes),
            printable(each.type_name),
            printable(each.holder.path),
        )
    figures = (
        f"sample {report.sample_count}: {report.object_count:,} objects, "
        f"{size(report.total_size)}, {size(report.resident_bytes)} resident"
    )
    return Group(head, table, Text(figures, style="dim"))
