"""Whose values are told of rows that are kept: of a text its first letter and its length.

The macro `masked` does it in the warehouse's dbt, so that no log holds more than the artifact.
"""

from __future__ import annotations

# rows of a test that fails, and keys of each way in which rows of a model differ
MAX_ROWS = 5
# whole rows of each such way
MAX_SAMPLES = 10
MAX_COLUMNS = 12
# names of columns of which nothing is told
PERSONAL = (
    "mail|phone|mobile|(^|_)(first|last|full|sur|user|nick)_?name|street|address|(^|_)ip($|_)"
    "|birth|iban|card|passport|token|password|secret"
)
