"""Verdicts on a process that has other interpreters beside that of the service."""

from __future__ import annotations

from ops_service.heap.growth_sample import OtherInterpreters
from ops_service.leaks.report import Verdict

Conclusion = tuple[Verdict, str, str]
"""A verdict, its reason, and what is missing for a better one."""


def with_others(
    conclusion: Conclusion, others: OtherInterpreters, *, garbage_grows: bool
) -> Conclusion:
    """The conclusion, or that there is none because memory may belong to other interpreters.

    A leak stays one: its objects were read. Memory outside Python has no owner that a walk
    can see, so where others exist it may be theirs: each has allocators and C modules of its
    own.

    Args:
        conclusion: What the samples show of the objects that were read.
        others: What holds of all samples together.
        garbage_grows: Whether there is more and more garbage.
    """
    verdict, reason, _ = conclusion
    if verdict is Verdict.OUTSIDE_PYTHON and others.exist:
        return (
            Verdict.INCONCLUSIVE,
            f"{reason} But the process had other interpreters during the watch, and the memory "
            "may be theirs.",
            "a watch while the process has a single interpreter",
        )
    if verdict is Verdict.NO_LEAK and others.unread:
        return (
            Verdict.INCONCLUSIVE,
            f"{reason} But the process had other interpreters during the watch whose objects "
            "were not read, and they may leak.",
            "a watch while every interpreter can be read",
        )
    if verdict is Verdict.NO_LEAK and others.exist and garbage_grows:
        return (
            Verdict.INCONCLUSIVE,
            f"{reason} But the garbage may be that of another interpreter, and whether its "
            "collector runs is not known.",
            "a full collection in each interpreter",
        )
    return conclusion
