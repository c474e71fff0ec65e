"""opsctl repl in a terminal, against a host."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_terminal import Terminal, Wire

from ops_client.cli.exit_codes import ExitCode
from ops_service.v1 import process_pb2

PROMPT = ">>>"


@pytest.fixture
def wire(host: Host, terminals: contextlib.ExitStack) -> Wire:
    return terminals.enter_context(contextlib.closing(Wire(host.address)))


@pytest.fixture
def terminal(
    wire: Wire, admin: Identity, terminals: contextlib.ExitStack, tmp_path: Path
) -> Terminal:
    env = {**environment_of(wire.address, admin), "OPSCTL_HISTORY": str(tmp_path / "h" / "history")}
    terminal = terminals.enter_context(contextlib.closing(Terminal("repl", env=env)))
    terminal.wait_for(PROMPT)
    return terminal


def ask(terminal: Terminal, keys: str, answer: str, *further: str) -> None:
    """Type a line, and wait for its answer and the next prompt.

    The answer must not appear in the line itself, which the terminal shows too.
    """
    terminal.type(keys + "\r")
    for text in (answer, *further):
        terminal.wait_for(text)
    terminal.wait_for(PROMPT)


def test_lines_blocks_values_and_errors(terminal: Terminal, host: Host, tmp_path: Path) -> None:
    ask(terminal, "x = 20; x + 1", "21")
    ask(terminal, "x + 22", "42")
    ask(terminal, "_ * 100", "4200")
    ask(terminal, "for i in range(2):\r  print('row', i)\r", "row 0\r\n", "row 1\r\n")
    ask(terminal, "1 / (x - 20)", "ZeroDivisionError: division by zero")
    ask(terminal, "ops.terminal_size.columns", "120")
    ask(terminal, "x = )", "SyntaxError: unmatched ')'")
    file = tmp_path / "h" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "x + 22" in file.read_text()
    # The last line but one, from the history.
    ask(terminal, "\x1b[A\x1b[A", "120")
    host.assert_alive()


def test_completion_from_the_process(terminal: Terminal, host: Host) -> None:
    host.run("only_in_the_host = 'found there'")
    ask(terminal, "20 * 20", "400")
    terminal.type("only_in_th\t")
    # The terminal draws only the rest of the name.
    terminal.wait_for("e_host")
    ask(terminal, "", "'found there'")


def test_ctrl_c_stops_the_code_and_keeps_the_session(terminal: Terminal, host: Host) -> None:
    ask(terminal, "kept = 'ke' + 'pt'; kept", "'kept'")
    terminal.type("while True: pass\r")
    terminal.type("\r")
    host.wait_for("service_evaluations()")
    terminal.type("\x03")
    terminal.wait_for("interrupted after")
    terminal.wait_for(PROMPT)
    host.wait_for("not service_evaluations()")
    # At the prompt it drops the typed text.
    terminal.type("no such\x03")
    terminal.wait_for(PROMPT)
    ask(terminal, "kept", "'kept'")


def test_ctrl_d_ends_the_session(terminal: Terminal, host: Host, admin: Identity) -> None:
    ask(terminal, "1 + 1", "2")
    terminal.type("\x04")
    assert terminal.wait_for_end() == ExitCode.OK
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert not [each for each in reply.repl_sessions if each.connected]


def test_a_broken_connection_is_made_anew(terminal: Terminal, wire: Wire) -> None:
    ask(terminal, "kept = 'still ' + 'here'; 20 * 20", "400")
    wire.cut()
    ask(terminal, "0", "the session was kept")
    ask(terminal, "kept", "'still here'")


def test_it_needs_a_terminal(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    run = opsctl("repl", env=environment_of(host.address, admin))
    assert run.returncode == ExitCode.USAGE
    assert "opsctl eval -" in run.stderr


def test_it_is_refused_where_evaluation_is(
    start_host: StartHost, admin: Identity, terminals: contextlib.ExitStack
) -> None:
    host = start_host(evaluation={"enabled": False})
    env = environment_of(host.address, admin)
    terminal = terminals.enter_context(contextlib.closing(Terminal("repl", env=env)))
    assert terminal.wait_for_end() == ExitCode.EVALUATION_DISABLED
