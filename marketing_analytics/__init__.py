"""Marketing analytics: dbt jobs as code, a local dbt Cloud, ingestion and attribution.

Each folder is one box of the architecture (docs/architecture.md). Rooms import only the floors
below them and meet through data: tfvars, the REST API, the warehouse, dbt artifacts.
"""

__version__ = "0.1.0.dev0"
