"""Two leaks at different rates."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="two_leaks.Order",
    also=[],
    holder="two_leaks.ORDERS",
    holder_hints=["ORDERS"],
    second="two_leaks.Coupon",
)
REQUIREMENTS = []


class Order:
    def __init__(self) -> None:
        self.lines = ["line"] * 10


class Coupon:
    pass


ORDERS: list = []
COUPONS: dict = {}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    ORDERS.append(Order())
    if i % 7 == 0:
        COUPONS[i] = Coupon()
