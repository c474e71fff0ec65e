"""Generate ops_service/v1 from protos/: stubs, type stubs and the descriptor set.

Runs in the environment that constraints/stubs.txt pins. Writes into the repository or
the given directory. The same input gives the same bytes: a test compares them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import google.protobuf
import grpc_tools
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
PACKAGE = Path("ops_service/v1")


def generate(out: Path) -> list[Path]:
    """Write the generated files below ``out`` and return their paths."""
    package = out / PACKAGE
    package.mkdir(parents=True, exist_ok=True)
    for stale in [*package.glob("*_pb2*"), *package.glob("*.binpb")]:
        stale.unlink()
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / PACKAGE).glob("*.proto"))
    descriptors = package / "descriptor_set.binpb"
    run_protoc(
        f"--python_out={out}",
        f"--pyi_out={out}",
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={descriptors}",
        *sources,
    )
    # protoc would write an empty module for each file that defines no service.
    services = [source for source in sources if "\nservice " in (PROTOS / source).read_text()]
    run_protoc(f"--grpc_python_out={out}", *services)
    strip_foreign_comments(descriptors)
    return sorted([*package.glob("*_pb2*"), descriptors])


def run_protoc(*arguments: str) -> None:
    """Run protoc on protos/, and exit with its status if it fails."""
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main(["protoc", f"-I{PROTOS}", f"-I{well_known}", *arguments])
    if status != 0:
        raise SystemExit(status)


def strip_foreign_comments(path: Path) -> None:
    """Keep the comments of our files, which grpcurl prints. Drop those of imports."""
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
    for file in descriptors.file:
        if not file.name.startswith(f"{PACKAGE}/"):
            file.ClearField("source_code_info")
    path.write_bytes(descriptors.SerializeToString(deterministic=True))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    written = generate(target)
    print(f"{len(written)} files in {target / PACKAGE}, by protobuf {google.protobuf.__version__}")
