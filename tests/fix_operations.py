"""A host whose application has operations, and a caller who may invoke most of them."""

from __future__ import annotations

from fix_host import ADMIN, ALL, VIEWER, Host, StartHost

OPERATOR = "spiffe://test.example/operator"

APPLICATION = '''
import asyncio, enum, threading
from typing import Literal, Optional
import ops_service

class Colour(enum.Enum):
    RED = 1
    GREEN = 2

seen = {}
release = threading.Event()

@ops_service.operation("cache.clear")
def clear(prefix: str, limit: int = 100, share: float = 0.5, dry: bool = False,
          colour: Colour = Colour.RED, how: Literal["soft", 2] = "soft",
          names: list[str] = [], until: Optional[int] = None, *,
          context: ops_service.OperationContext):
    """Drop cached pages.

    All of them.
    """
    seen.update(prefix=prefix, limit=limit, share=share, dry=dry, colour=colour.name, how=how,
                names=names, until=until, thread=threading.current_thread().name,
                who=context.principal)
    context.progress(0.5, "half of it")
    context.progress(message="and more")
    return {"cleared": [1, 2.5, None, True], "ü": prefix}

@ops_service.operation("cache.fails")
def fails(): raise ops_service.OperationFailed("the backend is away")

@ops_service.operation("cache.raises")
def raises(): raise ValueError("password=hunter2")

@ops_service.operation("cache.exits")
async def exits(): raise SystemExit(3)

@ops_service.operation("cache.objects")
def objects(): return object()

@ops_service.operation("cache.deep")
def deep():
    value = []
    value.append(value)
    return value

@ops_service.operation("cache.heeds", time_limit=0.2)
def heeds(context: ops_service.OperationContext):
    while True: context.progress(message="on"); release.wait(0.005)

@ops_service.operation("cache.hangs", time_limit=0.2)
def hangs(): release.wait()

@ops_service.operation("cache.counts")
def counts(context: ops_service.OperationContext):
    for number in range(2000): context.progress(number / 2000, str(number))

@ops_service.operation
async def sleeps(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return threading.current_thread().name
'''

LOOP = """
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, name='the loop', daemon=True).start()
async def for_ever(): await asyncio.Event().wait()
held = asyncio.run_coroutine_threadsafe(for_ever(), loop)
"""


def start_operations(start: StartHost) -> Host:
    """Start the host. Its event loop runs in a thread."""
    host = start(
        grants=[
            {"principal": ADMIN, "capabilities": ALL},
            {"principal": VIEWER, "capabilities": ["INSPECT"]},
            {
                "principal": OPERATOR,
                "capabilities": ["INSPECT", "OPERATE"],
                "operations": ["cache.*", "sleeps", "absent.*"],
            },
        ]
    )
    host.run(APPLICATION)
    host.run(LOOP)
    return host
