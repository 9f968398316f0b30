"""What tells one cluster of customers from the others, or that nothing does.

Here belongs everything between clustered customers and the persona tables of schema
`python`: `columns` (every table and column name), `config`, `sampling` (who is learned
from, who judges), `scores` (accuracy and its confidence) and `classifier` (the entry
point and its result). Names, sizes, medians and favourites of personas don't belong
here: SQL can say them.

>>> classifier = tell_clusters_apart(
...     features, labels, model_id=model_id, as_of_date=day, config=PersonaConfig()
... )
>>> for table, frame in classifier.frames().items(): ...
"""

from python_models.personas.classifier import (
    CODE_VERSION,
    Importance,
    PersonaClassifier,
    Recognition,
    tell_clusters_apart,
)
from python_models.personas.config import PersonaConfig

__all__ = [
    "CODE_VERSION",
    "Importance",
    "PersonaClassifier",
    "PersonaConfig",
    "Recognition",
    "tell_clusters_apart",
]
