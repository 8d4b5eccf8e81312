"""The data files of the pages: one module a page, which reads the snapshot and returns plain JSON.

Amounts are whole cents, dates are days since the first one, so that sums are exact and files small.
"""
