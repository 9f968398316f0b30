"""The simulated shop as its exports read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.storefront.orders import OrderBook
    from demo.storefront.parameters import Parameters
    from demo.storefront.people import People
    from demo.storefront.simulation import Truth


@dataclass(frozen=True)
class Shop:
    """What happened, to whom, for how much, and how much dirt there is to be.

    Attributes
    ----------
    parameters
        Size, seed and amount of dirt.
    truth
        What happened.
    people
        The customers' details.
    book
        Ids and amounts of the orders.
    """

    parameters: Parameters
    truth: Truth
    people: People
    book: OrderBook
