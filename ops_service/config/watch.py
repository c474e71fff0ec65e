"""Configuration of the background watch and its rules."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.errors import ConfigurationError

CONDITIONS = ("leak", "growth", "headroom")
"""Conditions of a rule."""

ACTIONS = ("log", "hook", "snapshot")
"""Actions of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """The background watch, which runs without a caller."""

    interval_seconds: float = 0.0
    """Seconds between samples. 0 switches the watch off."""
    history_bytes: int = 4 << 20
    """Maximum size of its reports in the store, for each process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleConfig:
    """A condition that the background watch acts on."""

    name: str
    """The rule's name in logs and reports."""
    when: str
    """``leak``: the verdict is LEAK. ``growth``: live Python objects or resident
    memory grew by more than ``growth_bytes`` since the watch began. ``headroom``:
    the free memory is less than ``headroom_captures`` captures would take."""
    actions: tuple[str, ...]
    """``log``: a warning to the logger ``ops_service.watch``. ``hook``: calls the function
    that was passed to ``ops_service.start``. ``snapshot``: captures the heap into the
    store, without contents."""
    growth_bytes: int = 256 << 20
    """Threshold for ``growth``, in bytes."""
    headroom_captures: float = 3.0
    """Threshold for ``headroom``, in captures. At least 1: below that, a capture is refused."""
    per_window: int = 1
    """Maximum number of actions within a window."""
    window_seconds: float = 3600.0
    """Length of the window, in seconds."""
    per_day: int = 4
    """Maximum number of actions within a day."""


def check_watch(watch: WatchConfig, rules: tuple[RuleConfig, ...], *, has_store: bool) -> None:
    """Refuse values that make no sense.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    _check_range("watch.history_bytes", watch.history_bytes, 64 << 10, 1 << 30)
    interval = watch.interval_seconds
    if interval != 0 and not 0.1 <= interval <= 86_400:
        raise ConfigurationError(
            f"watch.interval_seconds is {interval}; choose from 0.1 to 86400, or 0 for no watch"
        )
    if rules and interval == 0:
        raise ConfigurationError(
            "rules need the background watch, which is off; set watch.interval_seconds"
        )
    for index, rule in enumerate(rules):
        _check_rule(f"rules[{index}]", rule, has_store=has_store)


def _check_rule(key: str, rule: RuleConfig, *, has_store: bool) -> None:
    if rule.when not in CONDITIONS:
        raise ConfigurationError(
            f"{key}.when is {rule.when!r}; choose from {', '.join(CONDITIONS)}"
        )
    if not rule.actions or not set(rule.actions) <= set(ACTIONS):
        raise ConfigurationError(
            f"{key}.actions is {list(rule.actions)}; list some of {', '.join(ACTIONS)}"
        )
    if "snapshot" in rule.actions and not has_store:
        raise ConfigurationError(
            f"{key}.actions lists snapshot, and there is no store; set store.directory"
        )
    bounds: list[tuple[str, float, float, float]] = [
        ("growth_bytes", rule.growth_bytes, 1 << 10, 1 << 44),
        ("headroom_captures", rule.headroom_captures, 1, 100),
        ("per_window", rule.per_window, 1, 1000),
        ("window_seconds", rule.window_seconds, 0.1, 86_400),
        ("per_day", rule.per_day, 1, 10_000),
    ]
    for name, value, low, high in bounds:
        _check_range(f"{key}.{name}", value, low, high)


def _check_range(key: str, value: float, low: float, high: float) -> None:
    # This form also refuses not-a-number.
    if not low <= value <= high:
        raise ConfigurationError(f"{key} is {value}; choose from {low} to {high}")
