"""One module per source; each offers `TABLES`, `SETTINGS` and `collect(job)`.

A module may import the other rooms of `ingest` except `run`, `pipeline` and `cli`.
"""

from __future__ import annotations

# name: module; imported when used, so that `--help` and bad usage stay fast
SOURCE_MODULES = {
    "meta_ads": "marketing_analytics.ingest.platforms.meta_ads.source",
    "google_ads": "marketing_analytics.ingest.platforms.google_ads.source",
    "mailchimp": "marketing_analytics.ingest.platforms.mailchimp.source",
    "ga4": "marketing_analytics.ingest.platforms.ga4.source",
    "shop": "marketing_analytics.ingest.platforms.shop.source",
}
