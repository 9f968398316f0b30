"""What a user may choose about lifetime value, with defaults that are argued for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LifetimeValueConfig:
    """How to fit. Every field is part of `model_id`.

    Parameters
    ----------
    min_customers : int
        Fewer customers get no model: four parameters of fewer say little.
    min_repeat_customers : int
        Nor do fewer customers with a repeat purchase day, who alone tell rates and
        amounts apart.
    min_history_factor : float
        The held-out days are forecast only from a history that is so many times as
        long; from a shorter one hardly anybody had the time to come back.
    frequency_bounds : tuple of int
        Fewest repeat purchase days of each group of the backtest, rising from 0; the
        last group is open.
    max_correlation : float
        Correlation, up or down, of purchase days and mean amount from which on the
        outcome says that Gamma-Gamma's assumption (none) doesn't hold.

    Raises
    ------
    ValueError
        For a value out of range.
    """

    min_customers: int = 100
    min_repeat_customers: int = 30
    min_history_factor: float = 2.0
    frequency_bounds: tuple[int, ...] = (0, 1, 2, 3, 4, 6, 10, 20)
    max_correlation: float = 0.3

    def __post_init__(self) -> None:
        """Check the values."""
        least: dict[str, float] = {
            "min_customers": 3,
            "min_repeat_customers": 2,
            "min_history_factor": 1,
            "max_correlation": 0,
        }
        for name, limit in least.items():
            value = getattr(self, name)
            # Written so that NaN fails too.
            if not value >= limit:
                message = f"{name} is {value}; it must be at least {limit:g}"
                raise ValueError(message)
        bounds = self.frequency_bounds
        if bounds[:1] != (0,) or list(bounds) != sorted(set(bounds)):
            message = f"frequency_bounds is {bounds}; it must rise from 0"
            raise ValueError(message)
