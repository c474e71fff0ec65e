"""A deadlocked service: two kinds of orders take two locks in opposite order."""

from __future__ import annotations

import asyncio

stock = asyncio.Lock()
ledger = asyncio.Lock()


async def sell() -> None:
    """Take from the stock, then record it in the ledger."""
    async with stock:
        await asyncio.sleep(0.1)
        async with ledger:
            pass


async def refund() -> None:
    """Record it in the ledger, then put it back into the stock."""
    async with ledger:
        await asyncio.sleep(0.1)
        async with stock:
            pass


async def main() -> None:
    """Serve orders until all of them wait for each other."""
    orders = [asyncio.create_task(sell(), name="sell-1")]
    orders += [asyncio.create_task(refund(), name=f"refund-{n}") for n in range(1, 4)]
    await asyncio.gather(*orders)


if __name__ == "__main__":
    asyncio.run(main())
