"""ListLoggers and SetLogLevel over the wire, through both clients and opsctl."""

from __future__ import annotations

import json
import time

import grpc
import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of
from google.protobuf.duration_pb2 import Duration

from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import InvalidRequest, PermissionDenied
from ops_service.v1 import loggers_pb2


@pytest.fixture(autouse=True)
def planted(host: Host) -> None:
    host.run(
        "import logging\n"
        "logging.addLevelName(5, 'TRACE')\n"
        "logging.getLogger('shop').setLevel('WARNING')\n"
        "logging.getLogger('shop.cart').setLevel('NOTSET')\n"
        "logging.getLogger('shop.cart.deep.er')\n"
        "logging.getLogger('shop.quiet').propagate = False"
    )


def level(host: Host, name: str) -> int:
    found = host.run(f"answer = logging.getLogger({name!r}).level")
    assert isinstance(found, int)
    return found


def test_loggers_are_listed(connect: Connect, host: Host, viewer: Identity) -> None:
    client = connect(host.address, credentials_of(viewer))
    found = {each.name: each for each in client.list_loggers().loggers}
    assert next(iter(found)) == "root"
    assert (found["root"].level, found["root"].handler_count) == ("WARNING", 0)
    assert (found["shop"].level, found["shop"].effective_level) == ("WARNING", "WARNING")
    assert (found["shop.cart"].level, found["shop.cart"].effective_level) == ("NOTSET", "WARNING")
    assert not found["shop.quiet"].propagates
    # Only a placeholder that a deeper logger needs.
    assert "shop.cart.deep" not in found

    reply = client.list_loggers(prefix="shop.c", limit=1)
    assert [each.name for each in reply.loggers] == ["shop.cart"]
    assert reply.logger_count == 2


def test_a_level_is_set_and_taken_back(connect: Connect, host: Host, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    reply = client.set_log_level("shop", "trace", restore_after=100)
    assert (reply.before.level, reply.after.level) == ("WARNING", "TRACE")
    assert reply.after.changed
    assert 90 < reply.restore_time.ToNanoseconds() / 1e9 - time.time() < 110
    assert level(host, "shop") == 5

    # A second change keeps the level from before the first change.
    client.set_log_level("shop", "17")
    assert level(host, "shop") == 17
    reply = client.set_log_level("shop", "")
    assert not reply.HasField("restore_time")
    assert not reply.after.changed
    assert level(host, "shop") == 30


def test_it_is_taken_back_after_its_time(host: Host, connect: Connect, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    client.set_log_level("shop", "DEBUG", restore_after=1)
    client.set_log_level("root", "DEBUG", restore_after=1)
    host.wait_for("logging.getLogger('shop').level == 30")
    host.wait_for("logging.root.level == 30")


def test_a_later_change_outlives_an_earlier_one(
    host: Host, connect: Connect, admin: Identity
) -> None:
    client = connect(host.address, credentials_of(admin))
    client.set_log_level("shop", "DEBUG", restore_after=1)
    client.set_log_level("shop", "INFO", restore_after=100)
    client.set_log_level("shop.cart", "INFO", restore_after=1)
    # The end of the third comes after that of the first.
    host.wait_for("logging.getLogger('shop.cart').level == 0")
    assert level(host, "shop") == 20
    client.set_log_level("shop", "")


def test_what_the_application_sets_stays(host: Host, connect: Connect, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    client.set_log_level("shop", "DEBUG")
    host.run("logging.getLogger('shop').setLevel('ERROR')")
    assert client.set_log_level("shop", "").after.level == "ERROR"
    assert level(host, "shop") == 40


def test_levels_are_taken_back_when_the_service_stops(
    start_host: StartHost, connect: Connect, admin: Identity
) -> None:
    host = start_host()
    host.run("import logging, os; logging.getLogger('shop')")
    connect(host.address, credentials_of(admin)).set_log_level("shop", "DEBUG")
    forked = host.run(
        "r, w = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.write(w, str(logging.getLogger('shop').level).encode()); os._exit(0)\n"
        "os.wait(); answer = os.read(r, 10).decode()"
    )
    assert forked == "0"
    assert level(host, "shop") == 10
    host.run("service.stop()")
    assert level(host, "shop") == 0


def test_to_inspect_is_not_to_operate(connect: Connect, host: Host, viewer: Identity) -> None:
    with pytest.raises(PermissionDenied, match="OPERATE"):
        connect(host.address, credentials_of(viewer)).set_log_level("shop", "DEBUG")


@pytest.mark.parametrize(
    ("logger", "name", "text"),
    [
        ("no.such", "DEBUG", "There is no logger 'no.such'"),
        ("shop.cart.deep", "DEBUG", "There is no logger"),
        ("", "DEBUG", "There is no logger ''"),
        ("shop", "LOUD", "level is 'LOUD'; choose from CRITICAL"),
        ("shop", "-1", "choose from"),
        ("shop", "1001", "choose from"),
        ("shop", "9" * 10_000, "choose from"),
        ("shop", "٣", "choose from"),
    ],
)
def test_bad_input(
    connect: Connect, host: Host, admin: Identity, logger: str, name: str, text: str
) -> None:
    client = connect(host.address, credentials_of(admin))
    with pytest.raises(InvalidRequest, match=text):
        client.set_log_level(logger, name)
    assert client.list_loggers(prefix="shop", limit=1).loggers[0].level == "WARNING"


@pytest.mark.parametrize("seconds", [0, -1, 86_401, 10**9])
def test_bad_durations(host: Host, admin: Identity, seconds: int) -> None:
    request = loggers_pb2.SetLogLevelRequest(
        logger="shop", level="DEBUG", restore_after=Duration(seconds=seconds)
    )
    with pytest.raises(grpc.RpcError) as raised:
        host.stub(admin).SetLogLevel(request, timeout=120)
    status = status_of(raised.value)
    assert (status.reason, status.details["field"]) == ("INVALID_REQUEST", "restore_after")
    assert level(host, "shop") == 30


def test_opsctl(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    operator = environment_of(host.address, admin)
    run = opsctl("loggers", "set", "shop", "DEBUG", "--for", 60, env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert run.stdout.startswith("shop: WARNING -> DEBUG, until ")
    run = opsctl("loggers", "list", "shop", env=operator)
    assert "shop (set for a while)" in run.stdout
    assert "shop.quiet (does not propagate)" in run.stdout
    run = opsctl("loggers", "set", "shop", "--json", env=operator)
    assert json.loads(run.stdout)["after"]["level"] == "WARNING"
    run = opsctl("loggers", "set", "no.such", "DEBUG", env=operator)
    assert run.returncode == ExitCode.INVALID_REQUEST
