"""The Administrative API of the local dbt Cloud, versions 2 and 3, over HTTP.

Start reading at `application` (one request from bytes to bytes) and `operations` (what is served).
"""
