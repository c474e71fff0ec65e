"""Checks of the background watch and its rules: the tables ``watch`` and ``rules``."""

from __future__ import annotations

from ops_service.config.model import ACTIONS, CONDITIONS, Config, RuleConfig
from ops_service.errors import ConfigurationError


def check_watch(config: Config) -> None:
    """Refuse values that make no sense.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    interval, rules = config.watch.interval_seconds, config.rules
    if interval != 0 and not 0.1 <= interval <= 86_400:
        raise ConfigurationError(
            f"watch.interval_seconds is {interval}; choose from 0.1 to 86400, or 0 for no watch"
        )
    if rules and interval == 0:
        raise ConfigurationError(
            "rules need the background watch, which is off; set watch.interval_seconds"
        )
    for index, rule in enumerate(rules):
        _check_rule(f"rules[{index}]", rule, has_store=config.store.directory is not None)


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
