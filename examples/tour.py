"""Start the demo shop and inspect it with opsctl, as an operator would.

python tour.py demo    shows what the port can do, and exits
python tour.py play    keeps the shop running, so that you can paste commands
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
LEAK, INCONCLUSIVE = 90, 92
"""Exit codes of opsctl leaks watch."""
BIN = Path(sys.executable).parent
EXPRESSION = "len(feed.listeners)"


def brief(path: Path) -> Path:
    """Return a path relative to the current directory, if it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


class Tour:
    """One shop, and an operator's shell beside it.

    Args:
        directory: Directory for certificates, configuration, audit log and snapshots.
        address: Address of the maintenance port. Port 0 selects a free one.
    """

    def __init__(self, directory: Path, address: str) -> None:
        self.directory = directory
        self.address = address
        self.environment = dict(os.environ)

    def opsctl(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> None:
        """Print an opsctl command and run it. It writes to our standard output."""
        print(f"\n$ opsctl {shlex.join(arguments)}", flush=True)
        run = subprocess.run([BIN / "opsctl", *arguments], env=self.environment)
        if run.returncode not in allowed:
            run.check_returncode()

    def make_certificates(self) -> None:
        """Make a development CA, a server and an operator certificate, once."""
        self.directory.mkdir(exist_ok=True)
        if not (self.directory / "certs").exists():
            self.opsctl("certs", "init", str(brief(self.directory / "certs")))

    @contextlib.contextmanager
    def shop(self) -> Iterator[None]:
        """Run the shop. It ends with the block, or by itself if this process dies."""
        text = (EXAMPLES / "demo_shop/ops_service.toml").read_text()
        config = self.directory / "ops_service.toml"
        config.write_text(text.replace("127.0.0.1:7443", self.address))
        environment = os.environ | {
            "OPS_SERVICE_CONFIG": str(config),
            "PYTHONPATH": str(EXAMPLES),
        }
        # In its own session, the shop does not get Ctrl-C. We close its input instead.
        process = subprocess.Popen(
            [sys.executable, "-m", "demo_shop"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdin
        assert process.stdout
        try:
            word, _, self.address = process.stdout.readline().strip().rpartition(" ")
            if word != "listening on":
                raise SystemExit(f"the shop did not start (status {process.wait()})")
            self.environment |= self.operator()
            print(f"\nThe shop runs as process {process.pid}, its port is {self.address}.")
            yield
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def operator(self) -> dict[str, str]:
        """Return the environment of an operator's shell: address and credentials."""
        certs = self.directory / "certs"
        return {
            "OPSCTL_TARGET": self.address,
            "OPSCTL_CA": str(certs / "ca.pem"),
            "OPSCTL_CERT": str(certs / "client.pem"),
            "OPSCTL_KEY": str(certs / "client-key.pem"),
        }


def demo(tour: Tour) -> None:
    """Show what the port can do."""
    heap = brief(tour.directory / "shop.heap")
    chrome = heap.with_suffix(".heapsnapshot")
    with tour.shop():
        tour.opsctl("whoami")
        tour.opsctl("status")
        tour.opsctl("heap", "capture", "-o", str(heap))
        tour.opsctl("heap", "summary", "--limit", "10")
        times = ("--interval", "1", "--duration", "9")
        # The exit code reports the verdict, and this shop leaks.
        tour.opsctl("leaks", "watch", *times, allowed=(LEAK, INCONCLUSIVE))
        tour.opsctl("eval", EXPRESSION)
    tour.opsctl("heap", "convert", str(heap), str(chrome))
    print(
        f"""
Open {chrome} in Chrome: DevTools (F12), tab Memory, button Load profile.
Look for demo_shop.sessions.Cart: the retainers of one show who keeps it.

Try next: make play keeps the shop running and prints lines to paste."""
    )


def play(tour: Tour) -> None:
    """Keep the shop running until Ctrl-C."""
    shell = tour.directory / "env"
    with tour.shop():
        lines = [f"export {name}={shlex.quote(text)}" for name, text in tour.operator().items()]
        lines.append(f'export PATH={shlex.quote(str(BIN))}:"$PATH"')
        shell.write_text("\n".join(lines) + "\n")
        certs = brief(tour.directory / "certs")
        print(
            f"""
In another shell, in this directory:

. {brief(shell)}
opsctl heap summary
opsctl leaks watch
opsctl heap capture -o shop.heap
opsctl heap convert shop.heap shop.heapsnapshot
opsctl eval "{EXPRESSION}"

grpcurl -cacert {certs}/ca.pem -cert {certs}/client.pem -key {certs}/client-key.pem \\
    {tour.address} ops_service.v1.MaintenanceService/GetProcess

Ctrl-C ends the shop.""",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["demo", "play"])
    parser.add_argument("--directory", type=Path, default=EXAMPLES.parent / ".demo")
    parser.add_argument("--address", help="default: 127.0.0.1:7443 to play, any port to demo")
    arguments = parser.parse_args()
    # Exit with an exception, so that the shop always stops.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    address = arguments.address or ("127.0.0.1:7443" if arguments.what == "play" else "127.0.0.1:0")
    tour = Tour(arguments.directory.resolve(), address)
    try:
        tour.make_certificates()
        (demo if arguments.what == "demo" else play)(tour)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"opsctl ended with status {error.returncode}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    if arguments.what == "demo":
        print(f"\nThe tour took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
