"""The wait function of the tests."""

from __future__ import annotations

import threading

import pytest
from eventually import eventually


def test_it_returns_the_first_answer_that_is_true() -> None:
    answers = iter([0, "", [], "there", "later"])
    assert eventually(lambda: next(answers), pause=0) == "there"
    assert list(answers) == ["later"]


def test_what_is_true_already_is_asked_for_once_and_without_a_pause() -> None:
    asked: list[float] = []
    assert eventually(lambda: asked.append(0.0) or asked, pause=1000) == [0.0]


def test_it_fails_at_its_end_and_says_how_far_it_came() -> None:
    seen: list[int] = []
    with pytest.raises(AssertionError, match=r"only [1-9]\d* were seen \(within 0\.05 s\)"):
        eventually(
            lambda: seen.append(1), lambda: f"only {len(seen)} were seen", within=0.05, pause=0.001
        )


def test_a_process_that_stood_still_asks_once_more() -> None:
    answers = iter([False, True])

    def fact() -> bool:
        # The first poll takes longer than the whole time limit.
        threading.Event().wait(0.02)
        return next(answers)

    assert eventually(fact, within=0.01, pause=0)


def test_what_the_fact_raises_ends_the_wait() -> None:
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 / 0)
