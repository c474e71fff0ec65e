"""A pytest marker that repeats a test and fails it if it leaks.

    @pytest.mark.no_leaks
    def test_login(client): ...

pytest loads this plugin wherever ops-service is installed, requested or not. So it uses
only features of pytest 7.0 and pluggy 1.0, and imports no other module of ops-service
before a marked test has run. A test without the marker pays for one lookup of it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ops_service.leaks.report import GrowthReport

_MARKER = (
    "no_leaks(warmup=20, samples=10, rounds=10): repeat the test, warmup times unobserved and "
    "then rounds times before each sample of the heap. Fail it if objects leak."
)
_MIN_SAMPLES = 8


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


# An old-style wrapper, which every version of pluggy supports.
@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
    """Run a marked test as often as its marker says, instead of once."""
    marker = pyfuncitem.get_closest_marker("no_leaks")
    outcome = yield
    if marker is None or outcome.excinfo is not None:
        return
    try:
        _repeat(pyfuncitem, **marker.kwargs)
    except BaseException as error:
        # pluggy 1.1 and later have force_exception. Later ones warn if this kind of wrapper raises.
        if not hasattr(outcome, "force_exception"):
            raise
        outcome.force_exception(error)


def _repeat(
    item: pytest.Function, *, warmup: int = 20, samples: int = 10, rounds: int = 10
) -> None:
    if samples < _MIN_SAMPLES or rounds < 1 or warmup < 0:
        pytest.fail(f"no_leaks: samples from {_MIN_SAMPLES}, rounds from 1, warmup from 0.", False)
    # Imported only now, so that other tests do not pay for it.
    from ops_service.errors import OpsServiceError
    from ops_service.heap.growth_sample import GrowthSample
    from ops_service.leaks.analysis import GrowthAnalysis
    from ops_service.leaks.report import Verdict
    from ops_service.watch.sampling import GrowthSampling

    class ByRuns(GrowthAnalysis):
        """Measures time in runs of the test instead of seconds, which a busy machine stretches."""

        def append_point(self, sample: GrowthSample) -> None:
            super().append_point(replace(sample, time=float(self.sample_count * rounds)))

    names = item._fixtureinfo.argnames
    arguments = {name: item.funcargs[name] for name in names}
    for _ in range(warmup):
        item.obj(**arguments)
    sampling, watch = GrowthSampling(), ByRuns(limit=5)
    try:
        with sampling.joined(watch):
            for number in range(samples):
                if number:
                    for _ in range(rounds):
                        item.obj(**arguments)
                # An interval of zero makes each call take its own sample.
                sampling.sample(watch, interval=0.0)
            report = watch.report()
    except OpsServiceError as error:
        pytest.skip(f"no_leaks: the heap cannot be sampled here. {error}")
    if report.verdict is Verdict.LEAK:
        pytest.fail(_text(report, rounds * (samples - 1)), pytrace=False)


def _text(report: GrowthReport, runs: int) -> str:
    lines = [f"The test leaks: {runs} runs of it left these objects behind."]
    for each in report.suspects:
        grown = each.counts[-1] - each.counts[0]
        lines += [
            f"  {each.type_name}: {grown / runs:.2g} a run, {each.count} now",
            f"    held by {each.holder.text}",
            f"    path    {each.sample_path}",
            *(f"    from    {site}" for site in each.allocation_sites),
        ]
    return "\n".join(lines)
