"""Faults 19 to 28: what a peer with a certificate can do to the wire."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
from collections.abc import Iterator

import grpc
import hpack
import pytest
from fix_certs import Identity
from fix_http2 import PREFACE, Http2, connect_tls, frame, message
from fix_status import status_of
from fix_watched import FaultHost
from under_load import resident_bytes

SERVICE = "/ops_service.v1.MaintenanceService"
PRINCIPAL = f"{SERVICE}/GetPrincipal".encode()

SETTINGS, PING, GOAWAY, CONTINUATION, HEADERS, RST_STREAM = 4, 6, 7, 9, 1, 3
END_STREAM, END_HEADERS = 1, 4

MIB = 1 << 20


def block(path: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A header block without references to earlier headers."""
    headers = [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":path", path),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        *more,
    ]
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    return encoder.encode(headers, huffman=False)


def send(connection: ssl.SSLSocket, data: bytes) -> bool:
    """Whether the peer accepted all of it."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def frames(connection: ssl.SSLSocket, seconds: float = 20.0) -> Iterator[tuple[int, bytes]]:
    """Kinds and payloads of arriving frames, until the peer closes or sends no more."""
    data = b""
    connection.settimeout(seconds)
    while True:
        try:
            more = connection.recv(65536)
        except (OSError, ssl.SSLError):
            return
        if not more:
            return
        data += more
        while len(data) >= 9 and len(data) >= 9 + (size := int.from_bytes(data[:3], "big")):
            yield data[3], data[9 : 9 + size]
            data = data[9 + size :]


def begun(fault: FaultHost) -> int:
    return sum(each["event"] == "begin" for each in fault.audit_records())


def test_19_metadata_before_settings_are_acknowledged(fault: FaultHost, admin: Identity) -> None:
    before = begun(fault)
    connection = connect_tls(fault.address, admin)
    whole = block(PRINCIPAL, (b"x-big", b"x" * MIB))
    parts = [whole[at : at + 16384] for at in range(0, len(whole), 16384)]
    data = PREFACE + frame(SETTINGS, 0, 0)
    for number, part in enumerate(parts):
        last = END_HEADERS if number == len(parts) - 1 else 0
        data += frame(CONTINUATION if number else HEADERS, last, 1, part)
    send(connection, data + frame(0, END_STREAM, 1, message(b"")))
    for kind, payload in frames(connection, 5.0):
        assert kind != 0, payload  # no message comes back
    connection.close()
    assert begun(fault) == before


def test_20_metadata_after_settings_are_acknowledged(fault: FaultHost, admin: Identity) -> None:
    before = begun(fault)
    call = fault.channel(admin).unary_unary(PRINCIPAL.decode())
    for size in (12_000, 100_000, MIB):
        with pytest.raises(grpc.RpcError) as raised:
            call(b"", metadata=[("x-big", "x" * size)], timeout=60)
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert begun(fault) == before
    call(b"", timeout=60)


def test_21_rapid_resets(fault: FaultHost, admin: Identity) -> None:
    before = resident_bytes(fault.pid)
    with fault.probing(admin):
        headers, sent = block(PRINCIPAL), 0
        reset = (8).to_bytes(4, "big")
        while sent < 20_000:
            connection = connect_tls(fault.address, admin)
            send(connection, PREFACE + frame(SETTINGS, 0, 0))
            stream = 1
            while sent < 20_000:
                data = b""
                for _ in range(100):
                    data += frame(HEADERS, END_HEADERS, stream, headers)
                    data += frame(RST_STREAM, 0, stream, reset)
                    stream += 2
                if not send(connection, data):
                    break
                sent += 100
            connection.close()
    fault.wait_for_memory(before + 20 * MIB)


def test_22_ping_flood(fault: FaultHost, admin: Identity) -> None:
    with fault.probing(admin):
        connection = connect_tls(fault.address, admin)
        send(connection, PREFACE + frame(SETTINGS, 0, 0))
        for _ in range(1000):
            if not send(connection, frame(PING, 0, 0, b"12345678") * 10):
                break
        ended = b""
        for kind, payload in frames(connection):
            if kind == GOAWAY:
                ended = payload
        assert b"too_many_pings" in ended
        connection.close()


def test_23_continuation_flood(fault: FaultHost, admin: Identity) -> None:
    before = resident_bytes(fault.pid)
    with fault.probing(admin):
        connection = connect_tls(fault.address, admin)
        whole = block(PRINCIPAL)
        send(connection, PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, whole))
        one = hpack.Encoder()
        one.header_table_size = 0
        part = frame(CONTINUATION, 0, 1, one.encode([(b"x-a", b"b" * 1000)] * 16, huffman=False))
        # 128 MiB of headers that never end. The port keeps only a part of them.
        for _ in range(8000):
            if not send(connection, part):
                break
        connection.close()
    fault.wait_for_memory(before + 64 * MIB)


def test_24_gzip_bomb(fault: FaultHost, admin: Identity) -> None:
    before = resident_bytes(fault.pid)
    bomb = gzip.compress(bytes(64 * MIB), 9)
    client = Http2(fault.address, admin)
    peer = "ipv4:{}:{}".format(*client.socket.getsockname())
    with fault.probing(admin):
        stream = client.request(PRINCIPAL, [(b"grpc-encoding", b"gzip")], body=None)
        data = message(bomb, compressed=True)
        while data:
            window = min(client.h2.local_flow_control_window(stream), 16384, len(data))
            if window:
                client.h2.send_data(stream, data[:window], end_stream=window == len(data))
                client.flush()
                data = data[window:]
                continue
            received = client.socket.recv(65536)
            if not received:
                break
            client.h2.receive_data(received)
            client.flush()
        outcome = client.outcome(stream)
    client.close()
    assert outcome is None or outcome[b"grpc-status"] != b"0"
    # It never got as far as its record.
    assert not [r for r in fault.audit_records() if r["event"] == "begin" and r["peer"] == peer]
    fault.wait_for_memory(before + 20 * MIB)


def test_25_request_of_5_mib(fault: FaultHost, admin: Identity) -> None:
    call = fault.channel(admin).unary_stream(f"{SERVICE}/EvaluateCode")
    with pytest.raises(grpc.RpcError) as raised:
        list(call(b"\x12" + bytes(5 * MIB), timeout=60))
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_26_junk(fault: FaultHost, admin: Identity) -> None:
    for data in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28", bytes(1000)):
        with pytest.raises(grpc.RpcError) as raised:
            fault.channel(admin).unary_unary(f"{SERVICE}/GetProcess")(data, timeout=60)
        assert status_of(raised.value).code == grpc.StatusCode.INVALID_ARGUMENT


def test_27_half_open_calls(fault: FaultHost, admin: Identity, viewer: Identity) -> None:
    clients = []
    with fault.probing(viewer):
        for _ in range(10):
            client = Http2(fault.address, admin)
            for _ in range(40):
                with contextlib.suppress(Exception):
                    client.request(f"{SERVICE}/GetProcess".encode(), body=None)
            clients.append(client)
        # They are refused, or ended if their requests do not arrive.
        fault.wait_for("service._parts.gate.open_calls <= 1", 30)
        for client in clients:
            client.close()


def test_28_silent_connections(fault: FaultHost, admin: Identity) -> None:
    name, _, port = fault.address.rpartition(":")
    with fault.probing(admin):
        silent = [socket.create_connection((name, int(port)), 60) for _ in range(500)]
        for each in silent:
            each.settimeout(30)
            # The timeout of the handshake closes it.
            with contextlib.suppress(ConnectionError):
                assert each.recv(1) == b""
            each.close()
