"""Contacts that are one person, though no identifier says so: score every likely pair.

Here belongs everything between a frame of contacts and a frame of scored pairs. The
steps, one module each: `columns` (every name of a column and a level), `config`,
`preparation` (spelling that doesn't count), `comparisons` (what may differ, and how
much), `linking` (learn, score, decide). Which contacts there are, and what becomes of a
link, doesn't belong here: components of linked contacts are SQL's to find.

>>> linkage = link_contacts(contacts, config=LinkageConfig())
>>> linkage.pairs[linkage.pairs["is_link"]]
"""

from python_models.record_linkage.config import LinkageConfig
from python_models.record_linkage.linking import CODE_VERSION, Linkage, link_contacts

__all__ = ["CODE_VERSION", "Linkage", "LinkageConfig", "link_contacts"]
