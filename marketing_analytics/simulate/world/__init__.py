"""The truth: people, visits, ads, mails and orders, generated vectorised from one seed.

Imports only `core` and itself. Start reading at `build.py`; every figure is an integer.
"""
