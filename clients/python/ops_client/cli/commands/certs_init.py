"""opsctl certs init"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.terminal import say, say_json
from ops_client.errors import FileNotWritten


@command
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Created if it is missing.")],
    trust_domain: Annotated[
        str, typer.Option(help="Trust domain of the SPIFFE names in the certificates.")
    ] = "ops.local",
    json: Json = False,
) -> None:
    """Make a CA, a server certificate and a client certificate for development.

    They are for localhost and valid for 90 days. Existing files are never replaced.
    """
    # Takes a tenth of a second to load, and no other command needs it.
    from ops_client.cli.development_ca import make_certificates

    operator = f"spiffe://{trust_domain}/operator"
    files = make_certificates(f"spiffe://{trust_domain}/server", operator)
    _write(directory, files)
    if json:
        say_json(
            {
                "directory": str(directory),
                "files": sorted(files),
                "principal": operator,
            }
        )
        return
    say(f"Wrote {', '.join(sorted(files))} into {directory}.")
    say(f"The client is {operator}: grant it capabilities in the service's configuration. Then:")
    say(
        f"export OPSCTL_CA={directory}/ca.pem OPSCTL_CERT={directory}/client.pem "
        f"OPSCTL_KEY={directory}/client-key.pem"
    )


def _write(directory: Path, files: dict[str, bytes]) -> None:
    written: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in files:
            if os.path.lexists(directory / name):
                raise FileNotWritten(
                    f"{directory / name} already exists. Give another directory, or remove it."
                )
        for name, content in files.items():
            mode = 0o600 if name.endswith("-key.pem") else 0o644
            descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            written.append(directory / name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except OSError as error:
        for path in written:
            path.unlink()
        raise FileNotWritten(
            f"The certificates were not written: {error.strerror} ({error.filename or directory})."
        ) from error
