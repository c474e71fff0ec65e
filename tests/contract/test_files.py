"""What committed files may contain, and that links in documents resolve."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split("\0")[:-1]
DOCUMENTS = [name for name in TRACKED if name.endswith(".md")]


# Hosts that packages, or parts of systems, are downloaded from. A lock file, or the output
# of pip freeze, would record the mirror that it was made with.
REGISTRIES = (
    *("pypi", "pythonhosted", "devpi", "anaconda", "conda-forge"),
    *("npmjs", "npmmirror", "yarnpkg", "unpkg", "jsdelivr", "cdnjs"),
    *("debian", "ubuntu", "alpinelinux", "fedoraproject", "centos"),
    *("maven", "sonatype", "crates", "rubygems", "packagist", "nuget"),
    *("goproxy", "golang", "docker", "quay", "ghcr", "gcr", "huggingface"),
    *("artifactory", "jfrog", "nexus", "mirror", "mirrors", "taobao", "tuna", "aliyun"),
)
# Hosts that are not registries but also serve files to download.
DOWNLOADS = (
    r"raw\.githubusercontent\.com|codeload\.github\.com|objects\.githubusercontent\.com",
    r"storage\.googleapis\.com|[\w.-]*\.?s3[\w.-]*\.amazonaws\.com|files\.[\w.-]+",
    r"[^\s\"'<>)]+/(?:releases/download|archive|raw|resolve|simple|-/)/?[^\s\"'<>)]*",
    r"[^\s\"'<>)]+\.(?:whl|tar|t?gz|tgz|bz2|xz|zst|zip|jar|deb|rpm|apk|gem|crate|exe|dmg|so|bin)\b",
)
ADDRESS = re.compile(r"\b(?:https?|ftp|git|ssh)(?:\+\w+)?://([^\s\"'<>)\]}]+)", re.IGNORECASE)
# Reserved for examples and for tests. No server uses these names.
RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:org|com|net)|example|test|invalid|localhost)$")
# Hosts in the configuration of pip, npm, Docker and Go, without a scheme. They are written
# in words here, so that this file contains none either.
_HOSTS = (
    *("files pythonhosted org", "pypi org", "pypi python org", "registry npmjs org"),
    *("registry yarnpkg com", "proxy golang org", "sum golang org", "crates io"),
    *("static crates io", "deb debian org", "security debian org", "ftp debian org"),
    *("repo1 maven org", "repo maven apache org", "registry-1 docker io"),
    "raw githubusercontent com",
)
BARE = re.compile(
    rf"(?<![\w.-])(?:{'|'.join(host.replace(' ', chr(92) + '.') for host in _HOSTS)})(?![\w-])",
    re.IGNORECASE,
)


def is_download(address: str) -> bool:
    """Whether an address, given without its scheme, is one to download from."""
    host = address.partition("/")[0].rpartition("@")[2].partition(":")[0].lower()
    if RESERVED.search(host):
        return False
    if set(re.split(r"[.-]", host)) & set(REGISTRIES):
        return True
    return any(re.match(pattern, address, re.IGNORECASE) for pattern in DOWNLOADS)


def addresses_to_download(text: str) -> list[str]:
    """The addresses to download from, and registries' hosts, that a text contains."""
    found = [address for address in ADDRESS.findall(text) if is_download(address)]
    return found + BARE.findall(text)


def test_no_file_holds_an_address_to_download_from() -> None:
    found = {
        name: addresses
        for name in TRACKED
        if (ROOT / name).is_file()
        if (addresses := addresses_to_download((ROOT / name).read_text(errors="replace")))
    }
    assert found == {}


# A tilde stands for a dot, and two for the end of a scheme, so that this file contains no
# such address.
@pytest.mark.parametrize(
    "text",
    [
        "--index-url https~~pypi~org/simple",
        "https~~files~pythonhosted~org/packages/aa/bb/x-1.0-py3-none-any~whl",
        "index = https~~user:secret@pypi~internal~corp~net/root",
        "https~~artifactory~corp~net/api/pypi/simple",
        '"resolved": "https~~registry~npmjs~org/x/-/x-1.0.0~tgz"',
        "registry~npmjs~org/x",
        "deb http~~deb~debian~org/debian bookworm main",
        "http~~security~debian~org/debian-security",
        "https~~mirrors~tuna~tsinghua~edu~cn/pypi",
        "http~~mirror~corp~net/any",
        "https~~repo1~maven~org/maven2/x",
        "https~~static~crates~io/crates/x",
        "GOPROXY=https~~proxy~golang~org,direct",
        "GOPROXY=proxy~golang~org",
        "https~~raw~githubusercontent~com/grpc/grpc/master/README.md",
        "https~~github~com/bufbuild/buf/releases/download/v1/buf-Linux-x86_64",
        "https~~github~com/grpc/grpc/archive/v1.62~tar~gz",
        "https~~github~com/grpc/grpc/raw/master/file",
        "git+https~~codeload~github~com/grpc/grpc",
        "https~~huggingface~co/x/y/resolve/main/z",
        "https~~somewhere~net/thing-1.0~zip",
        "ftp~~somewhere~net/thing~deb",
    ],
)
def test_addresses_to_download_from_are_found(text: str) -> None:
    assert addresses_to_download(text.replace("~~", "://").replace("~", "."))


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/grpc/grpc/issues/43055",
        "https://github.com/python/cpython/pull/1234#discussion",
        "https://docs.python.org/3/library/gc.html",
        "https://peps.python.org/pep-0669/",
        "https://www.apache.org/licenses/LICENSE-2.0",
        "spiffe://example.org/shop",
        "https://shop.example.org/archive/x.zip",
        "http://127.0.0.1:8000/",
        "debian, pypi and npm in a sentence",
    ],
)
def test_other_links_are_allowed(text: str) -> None:
    assert not addresses_to_download(text)


def test_no_folder_is_there_by_accident() -> None:
    folders = {name.partition("/")[0] for name in TRACKED if "/" in name}
    assert folders == {
        *(".ci", ".github", "benchmarks", "clients", "constraints", "docs", "examples"),
        *("ops_service", "protos", "tests", "tools"),
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_of_a_document_lead_to_files(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)

    links = [link for link in links if "://" not in link]
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
    named = re.findall(r"`((?:docs|examples|ops_service|protos|tests|tools)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
