"""The table from exceptions to statuses."""

from __future__ import annotations

import inspect

import grpc
import pytest
from google.rpc import error_details_pb2

from ops_service import errors
from ops_service.gate import status

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, errors.OpsServiceError)
]


def test_every_error_stands_in_the_table() -> None:
    assert set(status.CODES) == set(CLASSES)


def test_every_error_has_a_reason_of_its_own() -> None:
    reasons = [kind.reason for kind in CLASSES]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.isupper() for reason in reasons)


def test_every_error_is_in_the_drawn_tree() -> None:
    assert errors.__doc__ is not None
    for kind in CLASSES:
        assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", CLASSES)
def test_what_a_status_carries(kind: type[errors.OpsServiceError]) -> None:
    error = kind("What happened.", retry_after=1.5, details={"field": "x"})
    code, message = status.to_status(error, "abc")
    assert code is status.CODES[kind]
    assert code is not grpc.StatusCode.OK
    assert (message.code, message.message) == (code.value[0], "What happened.")
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    assert message.details[0].Unpack(info)
    assert (info.reason, info.domain) == (kind.reason, "ops_service")
    assert dict(info.metadata) == {"field": "x", "reference": "abc"}
    assert message.details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


def test_no_retry_unless_it_makes_sense() -> None:
    _, message = status.to_status(errors.PermissionDenied("No."), "abc")
    assert len(message.details) == 1


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, MemoryError])
def test_texts_of_other_exceptions_stay_here(kind: type[BaseException]) -> None:
    code, message = status.to_status(kind("password=hunter2"), "abc")
    assert code is grpc.StatusCode.INTERNAL
    assert b"hunter2" not in message.SerializeToString()
    assert "under abc." in message.message


def test_a_subclass_that_nobody_entered_is_noticed() -> None:
    class Forgotten(errors.OpsServiceError):
        pass

    with pytest.raises(KeyError):
        status.to_status(Forgotten("x"), "abc")
