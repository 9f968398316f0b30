"""The simulated shop's products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.storefront.parameters import PRICE_FACTORS

if TYPE_CHECKING:
    import numpy.typing as npt

# Category: median list price in USD, and the nouns of its three subcategories.
CATEGORIES: dict[str, tuple[float, tuple[tuple[str, str], ...]]] = {
    "Dresses": (72.0, (("Day Dresses", "Shirt Dress"), ("Evening", "Slip Dress"),
                       ("Knit Dresses", "Jersey Dress"))),
    "Tops": (30.0, (("T-Shirts", "T-Shirt"), ("Shirts", "Shirt"),
                    ("Blouses", "Blouse"))),
    "Trousers": (58.0, (("Jeans", "Jeans"), ("Chinos", "Chinos"),
                        ("Tailored", "Wide-Leg Trousers"))),
    "Knitwear": (66.0, (("Jumpers", "Crew-Neck Jumper"), ("Cardigans", "Cardigan"),
                        ("Roll-Necks", "Roll-Neck"))),
    "Outerwear": (150.0, (("Coats", "Coat"), ("Jackets", "Jacket"),
                          ("Rainwear", "Raincoat"))),
    "Shoes": (90.0, (("Trainers", "Trainers"), ("Boots", "Ankle Boots"),
                     ("Sandals", "Sandals"))),
    "Bags": (95.0, (("Totes", "Tote"), ("Cross-Body", "Cross-Body Bag"),
                    ("Backpacks", "Backpack"))),
    "Accessories": (24.0, (("Scarves", "Scarf"), ("Belts", "Belt"),
                           ("Hats", "Beanie"))),
    "Jewellery": (36.0, (("Earrings", "Hoop Earrings"), ("Necklaces", "Pendant"),
                         ("Rings", "Stacking Ring"))),
    "Activewear": (42.0, (("Leggings", "Leggings"), ("Sports Tops", "Running Top"),
                          ("Shorts", "Training Shorts"))),
}  # fmt: skip
# Brand and its price level.
BRANDS = {
    "Alder & Finch": 1.9, "Maison Ouest": 1.7, "Northline": 1.3, "Calder": 1.2,
    "Field Day": 1.0, "Hartwell": 1.0, "Juniper Row": 0.95, "Lune": 0.9,
    "Basics Dept.": 0.6, "Twelve": 0.65, "Everyday Co.": 0.55, "Pomelo": 0.7,
}  # fmt: skip
ADJECTIVES = (
    "Washed", "Ribbed", "Pleated", "Cropped", "Relaxed", "Classic", "Striped",
    "Brushed", "Quilted", "Oversized",
)  # fmt: skip
N_PER_SUBCATEGORY = 10


@dataclass(frozen=True)
class Catalogue:
    """The products, one element each, in the order of their ids.

    Attributes
    ----------
    product_id, product_name, subcategory, brand, updated_at
        Text; `updated_at` is local time.
    category
        Index into `CATEGORIES`.
    list_price
        In cents.
    """

    product_id: list[str]
    product_name: list[str]
    category: npt.NDArray[np.int64]
    subcategory: list[str]
    brand: list[str]
    list_price: npt.NDArray[np.int64]
    updated_at: list[str]

    @property
    def category_names(self) -> list[str]:
        """Category of every product."""
        names = list(CATEGORIES)
        return [names[index] for index in self.category]


def make_catalogue(rng: np.random.Generator) -> Catalogue:
    """Draw the catalogue.

    Parameters
    ----------
    rng
        Source of chance.

    Returns
    -------
    Catalogue
        300 products, 10 in each of 30 subcategories, with lognormal prices around the
        median of their category and the level of their brand.
    """
    brands = list(BRANDS)
    names: list[str] = []
    subcategories: list[str] = []
    brand_names: list[str] = []
    categories: list[int] = []
    prices: list[int] = []
    for index, (median, kinds) in enumerate(CATEGORIES.values()):
        for subcategory, noun in kinds:
            for number in range(N_PER_SUBCATEGORY):
                brand = brands[int(rng.integers(len(brands)))]
                price = median * BRANDS[brand] * float(rng.lognormal(0.0, 0.35))
                names.append(f"{brand} {ADJECTIVES[number]} {noun}")
                subcategories.append(subcategory)
                brand_names.append(brand)
                categories.append(index)
                prices.append(max(5, round(price)) * 100 - 5)
    n_products = len(names)
    start = np.datetime64("2024-10-01T08:00:00")
    minutes = rng.integers(0, 90 * 24 * 60, n_products)
    updated = start + minutes.astype("timedelta64[m]")
    return Catalogue(
        product_id=[f"SKU-{number:04d}" for number in range(1, n_products + 1)],
        product_name=names,
        category=np.array(categories, dtype=np.int64),
        subcategory=subcategories,
        brand=brand_names,
        list_price=np.array(prices, dtype=np.int64),
        updated_at=[str(time).replace("T", " ") for time in updated],
    )


def local_prices(catalogue: Catalogue) -> npt.NDArray[np.int64]:
    """Return the list prices in cents of every currency, (n_currencies, n_products).

    The dollar's prices are the catalogue's; elsewhere they are set once, to end in .95,
    and don't follow the rate.
    """
    factors = np.array(PRICE_FACTORS)[:, None]
    return np.asarray(
        np.maximum(np.round(catalogue.list_price * factors / 100), 5) * 100 - 5,
        dtype=np.int64,
    )
