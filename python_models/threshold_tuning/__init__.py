"""Better thresholds of rule segments, proposed with evidence.

Here belongs everything that turns counts of past month-ends (`threshold_outcomes`) and
the thresholds in force (`dim_thresholds`) into rows of `threshold_proposals`. The
steps, one module each: `columns` (every column name), `config`, `counts` (check the
frames, count members at a value), `differences` (members against others, with an
interval) and `tuning` (the entry point). Which threshold is in force doesn't belong
here: nothing is applied.

>>> thresholds = read_thresholds(frame)
>>> found = propose_thresholds(
...     thresholds, outcomes, month_ends=days, config=TuningConfig()
... )
>>> rows = proposals_frame(found, as_of_date=day, config=TuningConfig())
"""

from python_models.threshold_tuning.config import TuningConfig
from python_models.threshold_tuning.counts import Threshold, read_thresholds
from python_models.threshold_tuning.tuning import (
    CODE_VERSION,
    Decision,
    Proposal,
    compute_proposal_id,
    proposals_frame,
    propose_thresholds,
)

__all__ = [
    "CODE_VERSION",
    "Decision",
    "Proposal",
    "Threshold",
    "TuningConfig",
    "compute_proposal_id",
    "proposals_frame",
    "propose_thresholds",
    "read_thresholds",
]
