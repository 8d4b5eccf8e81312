"""One module per source; each offers `TABLES`, `SETTINGS` and `collect(job)`.

A module may import the other rooms of `ingest` except `run`, `pipeline` and `cli`.
"""

from __future__ import annotations

# name: module; imported when used, so that `--help` and bad usage stay fast
SOURCE_MODULES = {
    "meta_ads": "marketing_analytics.ingest.sources.meta_ads",
    "google_ads": "marketing_analytics.ingest.sources.google_ads",
    "mailchimp": "marketing_analytics.ingest.sources.mailchimp",
    "ga4": "marketing_analytics.ingest.sources.ga4",
    "shop": "marketing_analytics.ingest.sources.shop",
}
