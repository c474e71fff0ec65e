"""The configuration file: what is read, and the messages that refuse a file."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from ops_service.config.checks import check_config
from ops_service.config.file import load_config
from ops_service.config.model import CAPABILITIES, Config, EvaluationConfig
from ops_service.config.trusted_files import refuse_if_others_may_write
from ops_service.errors import ConfigurationError
from ops_service.v1 import annotations_pb2

MINIMAL = """
[tls]
certificate = "server.pem"
private_key = "keys/server.key"
client_ca = "/etc/ca.pem"

[[grants]]
principal = "dns:tool.example.org"
capabilities = ["INSPECT"]
"""


def load(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "ops.toml"
    file.write_text(text)
    return load_config(file)


def refusal(tmp_path: Path, text: str) -> str:
    """The message that refuses a file. It names the file."""
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'ops.toml'}:")
    return message


def test_minimal(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    assert config.server.address == "127.0.0.1:7443"
    assert config.tls is not None
    assert config.tls.certificate == tmp_path / "server.pem"
    assert config.tls.private_key == tmp_path / "keys" / "server.key"
    assert config.tls.client_ca == Path("/etc/ca.pem")
    assert config.grants[0].capabilities == ("INSPECT",)
    assert not config.evaluation.enabled
    assert config.audit.file is None
    assert config.heap.lifetime_limit_seconds == 30


def test_everything(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        MINIMAL
        + """
[[grants]]
principal = "spiffe://example.org/sre"
capabilities = ["READ_HEAP", "EVALUATE"]
[server]
address = "[::1]:0"
[authorization]
trust_domains = ["example.org"]
[evaluation]
enabled = true
time_limit_seconds = 3
output_limit_bytes = 1000
result_limit_bytes = 2000
max_concurrent = 1
[audit]
file = "audit.jsonl"
[limits]
calls = 5
stall_seconds = 1.5
[heap]
cpu_share = 0.5
lifetime_limit_seconds = 5
[store]
directory = "evidence"
max_bytes = 2000000
""",
    )
    assert config.server.address == "[::1]:0"
    assert config.evaluation == EvaluationConfig(
        enabled=True,
        time_limit_seconds=3.0,
        output_limit_bytes=1000,
        result_limit_bytes=2000,
        max_concurrent=1,
    )
    assert isinstance(config.evaluation.time_limit_seconds, float)
    assert config.audit.file == tmp_path / "audit.jsonl"
    assert (config.limits.calls, config.limits.stall_seconds) == (5, 1.5)
    assert config.heap.cpu_share == 0.5


def test_file_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ops.toml").write_text(MINIMAL)
    monkeypatch.setenv("OPS_SERVICE_CONFIG", str(tmp_path / "ops.toml"))
    assert load_config().tls.certificate == tmp_path / "server.pem"
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("OPS_SERVICE_CONFIG")
        else:
            monkeypatch.setenv("OPS_SERVICE_CONFIG", value)
        with pytest.raises(ConfigurationError, match="set OPS_SERVICE_CONFIG"):
            load_config()


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.toml: cannot be read"):
        load_config(tmp_path / "missing.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "ops.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        load_config(tmp_path / "ops.toml")
    assert "is not valid TOML" in refusal(tmp_path, "[tls\n")


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ("[serverr]\naddress = 'x'", "serverr is not a known key; choose from tls, grants"),
        ("[server]\nadress = 'x'", "server.adress is not a known key; choose from address"),
        ("[server]\naddress = 7443", "server.address must be a string, not 7443"),
        ("[server]\naddress = 'localhost'", "server.address is 'localhost'; write host:port"),
        ("[server]\naddress = '127.0.0.1:70000'", "write host:port"),
        ("[server]\naddress = '127.0.0.1:٣'", "write host:port"),
        ("[server]\naddress = '::1:7443'", "in brackets"),
        ("[server]\naddress = 'unix:ops.sock'", "absolute path"),
        ("[server]\naddress = '0.0.0.0:7443'", "allow_wildcard_bind = true"),
        ("[server]\naddress = '[::]:7443'", "allow_wildcard_bind = true"),
        ("[server]\naddress = '*:7443'", "allow_wildcard_bind = true"),
        ("[server]\naddress = '0:7443'", "allow_wildcard_bind = true"),
        ("[server]\naddress = '0.0:7443'", "allow_wildcard_bind = true"),
        ("[server]\naddress = ':7443'", "allow_wildcard_bind = true"),
        ("[server]\nslots = 2", "server.slots is 2 without a run directory"),
        ("[server]\nslots = 0", "server.slots is 0; choose from 1 to 1000"),
        ("[server]\nslots = 2\nrun_directory = 'r'\naddress = 'unix:/a'", "write {slot} into"),
        (
            "[server]\nslots = 9\nrun_directory = 'r'\naddress = '127.0.0.1:65530'",
            "the last port would be 65538",
        ),
        ("[server]\nallow_wildcard_bind = 1", "must be true or false, not 1"),
        ("server = 1", "server must be a table; write [server]"),
        ("[limits]\ncalls = true", "limits.calls must be a whole number, not True"),
        ("[limits]\ncalls = 1.5", "limits.calls must be a whole number, not 1.5"),
        ("[limits]\ncalls = 0", "limits.calls is 0; choose from 1 to 1000"),
        ("[limits]\nstall_seconds = '1'", "limits.stall_seconds must be a number, not '1'"),
        ("[limits]\nstall_seconds = nan", "limits.stall_seconds is nan"),
        ("[limits]\nstall_seconds = inf", "limits.stall_seconds is inf"),
        ("[evaluation]\ntime_limit_seconds = -1", "evaluation.time_limit_seconds is -1.0"),
        ("[evaluation]\nenabled = true", "set audit.file"),
        ("[audit]\nfile = ''", "audit.file must be the path of a file"),
        ("[authorization]\ntrust_domains = 'x'", "trust_domains must be a list"),
        ("[authorization]\ntrust_domains = [1]", "trust_domains[0] must be a string, not 1"),
        (
            "[[grants]]\nprincipal = 'dns:a'\ncapabilities = ['inspect']",
            "grants[1].capabilities holds 'inspect', which is not a capability; choose from",
        ),
        (
            "[[grants]]\nprincipal = 'dns:a'\ncapabilities = ['AUTHENTICATED']",
            "grants[1].capabilities holds 'AUTHENTICATED'",
        ),
        ("[[grants]]\nprincipal = 'dns:a'\ncapabilities = []", "grants[1].capabilities is empty"),
        ("[[grants]]\nprincipal = 'dns:a'", "grants[1].capabilities is missing; add it"),
        (
            "[[grants]]\nprincipal = 'dns:a'\ncapabilities = ['INSPECT']\noperations = ['a.*']",
            'add "OPERATE" to grants[1].capabilities',
        ),
        (
            "[[grants]]\nprincipal = 'dns:a'\ncapabilities = ['OPERATE']\noperations = ['']",
            "grants[1].operations holds an empty pattern",
        ),
        ("[[grants]]\nprincipal = 'alice'\ncapabilities = ['INSPECT']", "grants[1].principal"),
        ("[[grants]]\nprincipal = 'dns:'\ncapabilities = ['INSPECT']", "grants[1].principal"),
        (
            "[[grants]]\nprincipal = 'uri:spiffe://a/b'\ncapabilities = ['INSPECT']",
            'leave out "uri:"',
        ),
        (
            "[[grants]]\nprincipal = 'spiffe://a.example/b'\ncapabilities = ['INSPECT']",
            'add "a.example" to authorization.trust_domains',
        ),
        (
            "[[grants]]\nprincipal = 'dns:tool.example.org'\ncapabilities = ['OPERATE']",
            "has a grant already",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, addition: str, expected: str) -> None:
    text = addition + MINIMAL if not addition.startswith("[") else MINIMAL + addition
    assert expected in refusal(tmp_path, text)


def test_what_is_missing(tmp_path: Path) -> None:
    assert "grants is missing; add it" in refusal(tmp_path, "")
    assert "tls is missing; add it" in refusal(tmp_path, MINIMAL[MINIMAL.index("[[grants]]") :])
    assert "tls.client_ca is missing" in refusal(
        tmp_path, "[tls]\ncertificate = 'a'\nprivate_key = 'b'"
    )
    without_grants = MINIMAL.partition("[[grants]]")[0]
    assert "grants is missing" in refusal(tmp_path, without_grants)
    assert "grants is empty" in refusal(tmp_path, "grants = []" + without_grants)


@pytest.mark.parametrize(
    ("marked", "more"),
    [
        ("[limits]\ncalls = 0  # here", ""),
        ("limits.calls = 0  # here\n", "before"),
        ("[limits]\nstall_seconds = 5\nmetadata_bytes = 1 # here", ""),
        ("[audit]\n\n[serverr] # here", ""),
        ("[[grants]]\nprincipal = 'dns:b'\ncapabilities = [ # here\n 'NONE',\n]", ""),
        ("[[grants]] # here\nprincipal = 'dns:b'", ""),
        ("[[grants]]\nprincipal = 'b'  # here\ncapabilities = ['INSPECT']", ""),
        ("[revocation]\ndenied_serials = ['1', 'x'] # here", ""),
        ("[[grants]]\nprincipal = 'dns:*.b'  # here\ncapabilities = ['INSPECT']", ""),
    ],
)
def test_errors_name_the_line(tmp_path: Path, marked: str, more: str) -> None:
    text = marked + MINIMAL if more else MINIMAL + marked
    lines = text.splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.endswith("# here"))
    assert refusal(tmp_path, text).startswith(f"{tmp_path / 'ops.toml'}:{number}: ")


@pytest.mark.parametrize(
    ("principal", "capability", "words"),
    [
        ("spiffe://a.example/*", "INSPECT", ""),
        ("spiffe://a.example/b/*", "READ_HEAP", ""),
        ("uri:https://a.example/*", "OPERATE", ""),
        ("spiffe://a.example/*", "EVALUATE", "a wildcard, which cannot hold"),
        ("uri:https://a.example/b/*", "READ_CONTENT", "a wildcard, which cannot hold"),
        ("spiffe://a.example/*/b", "INSPECT", "whole last segment"),
        ("spiffe://a.example/b*", "INSPECT", "whole last segment"),
        ("spiffe://a.example/*/*", "INSPECT", "whole last segment"),
        ("uri:https://*", "INSPECT", "whole last segment"),
        ("dns:*.a.example", "INSPECT", "whole last segment"),
    ],
)
def test_wildcards(tmp_path: Path, principal: str, capability: str, words: str) -> None:
    text = (
        f"[authorization]\ntrust_domains = ['a.example']\n{MINIMAL}"
        f"[[grants]]\nprincipal = '{principal}'\ncapabilities = ['{capability}']"
    )
    if words:
        assert words in refusal(tmp_path, text)
    else:
        assert load(tmp_path, text).grants[-1].principal == principal


def test_values_from_code_are_checked_too(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    check_config(config)
    with pytest.raises(ConfigurationError, match=r"set audit\.file"):
        check_config(dataclasses.replace(config, evaluation=EvaluationConfig(enabled=True)))


def test_capabilities_are_those_of_the_contract() -> None:
    names = [name.removeprefix("CAPABILITY_") for name in annotations_pb2.Capability.keys()]  # noqa: SIM118
    assert ["UNSPECIFIED", "AUTHENTICATED", *CAPABILITIES] == names


def test_every_field_says_what_it_means() -> None:
    """A docstring stands under each field of each dataclass."""
    import ast

    import ops_service.config.model as module

    tree = ast.parse(Path(module.__file__).read_text())
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for index, statement in enumerate(node.body):
            if isinstance(statement, ast.AnnAssign):
                following = node.body[index + 1]
                assert isinstance(following, ast.Expr), ast.unparse(statement)
                assert isinstance(following.value, ast.Constant), ast.unparse(statement)


MESH = """
[[grants]]
principal = "dns:tool.example.org"
capabilities = ["INSPECT"]
[server]
address = "unix:/run/app/ops/ops.sock"
[mesh]
enabled = true
proxies = ["spiffe://example.org/shop"]
"""


def test_a_port_in_a_mesh(tmp_path: Path) -> None:
    config = load(tmp_path, MESH)
    assert config.tls is None
    assert config.mesh.proxies == ("spiffe://example.org/shop",)
    assert not load(tmp_path, MINIMAL).mesh.enabled


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("unix:/run/app/ops/ops.sock", "127.0.0.1:7443", "connect to a Unix socket in a direc"),
        ("unix:/run/app/ops/ops.sock", "[::1]:0", "any client that connects there could claim any"),
        ('["spiffe://example.org/shop"]', "[]", "mesh.proxies is empty, so no proxy"),
        ("spiffe://example.org/shop", "shop", "mesh.proxies[0] is 'shop'; write the one URI"),
        ("spiffe://example.org/shop", "spiffe://example.org/*", "without wildcards"),
        ("enabled = true", "enabled = false", "mesh.proxies has no effect without mesh.enabled"),
        (
            "[mesh]",
            "[tls]\ncertificate = 'a'\nprivate_key = 'b'\nclient_ca = 'c'\n[mesh]",
            "tls has no effect with mesh.enabled",
        ),
        ("[mesh]", "[revocation]\ncrl = 'a'\n[mesh]", "let the proxy check the list"),
    ],
)
def test_a_port_in_a_mesh_that_is_not_safe(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert expected in refusal(tmp_path, MESH.replace(old, new))


def test_a_folder_that_all_may_write_to(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    file = folder / "ca.crl"
    file.write_bytes(b"")
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="everyone may replace it"):
        refuse_if_others_may_write(file, "revocation.crl")
    # As Kubernetes mounts a ConfigMap: nobody can write through such a mount.
    for command in (["--bind", folder], ["-o", "remount,ro,bind"]):
        mounted = subprocess.run(["mount", *command, folder], capture_output=True, check=False)
        if mounted.returncode:
            pytest.skip(f"mount refuses: {mounted.stderr!r}")
    try:
        refuse_if_others_may_write(file, "revocation.crl")
    finally:
        subprocess.run(["umount", folder], check=True)
