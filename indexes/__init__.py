"""Search structures over hash values, and the snapshots that hold them.

    from hashmatch import indexes

    index = indexes.create("auto", bits=256, codes=array, radius=31)
    found = index.search_radius(queries, 31)

A kind is named when an index is created; :func:`kinds` lists them. Every kind keeps the contract
of :class:`Index`, and one that does not promise to find everything says so in ``exact``.
"""

from hashmatch.indexes.contract import Codes, Index, NearestResult, RadiusResult
from hashmatch.indexes.registry import create, kinds

__all__ = ["Codes", "Index", "NearestResult", "RadiusResult", "create", "kinds"]
