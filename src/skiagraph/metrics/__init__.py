"""How good: tallies that merge, one a case, and the figures that they sum up to."""

from skiagraph.metrics.agreement import Agreement, AgreementTally
from skiagraph.metrics.intervals import binomial_p, wilson
from skiagraph.metrics.overlap import Overlap, OverlapTally

__all__ = ["Agreement", "AgreementTally", "Overlap", "OverlapTally", "binomial_p", "wilson"]
