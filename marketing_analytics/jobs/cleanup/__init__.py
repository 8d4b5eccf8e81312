"""Branch jobs that nobody needs: which (`choose.py`), what git knows (`merged.py`), their removal.

Start reading in `choose.py`.
"""
