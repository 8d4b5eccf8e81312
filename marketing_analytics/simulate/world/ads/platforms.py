"""The ad platforms of the world: a row says everything the world knows of one.

Adding a row makes another world of every seed: its budget takes its share from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

META, GOOGLE, LINKEDIN = "meta_ads", "google_ads", "linkedin_ads"


@dataclass(frozen=True)
class AdPlatform:
    """How much is spent on it, what it claims, and how its clicks are tagged.

    `modelled_per_click` and `views_per_impression` are conversions claimed beyond what clicks
    explain.
    """

    name: str
    channel: str
    budget_share: float
    modelled_per_click: float
    views_per_impression: float
    id_base: int
    # cycled through by the number of the session
    utm_sources: tuple[str, ...]
    utm_medium: str
    click_id: str
    referrer: str
    # weights of full tags, the click id alone, and nothing at all
    tag_weights: tuple[int, int, int] = (86, 7, 7)
    # are parts of a conversion booked on several clicks
    is_data_driven: bool = False


AD_PLATFORMS = (
    AdPlatform(
        name=META,
        channel="paid_social",
        budget_share=0.45,
        modelled_per_click=0.018,
        views_per_impression=0.00014,
        id_base=120_210_000_000_000_000,
        # Meta delivers a third of its clicks on Instagram
        utm_sources=("instagram", "facebook", "facebook"),
        utm_medium="paid_social",
        click_id="fbclid",
        referrer="https://l.facebook.com/",
    ),
    AdPlatform(
        name=GOOGLE,
        channel="paid_search",
        budget_share=0.42,
        modelled_per_click=0.014,
        views_per_impression=0.00002,
        id_base=20_400_000_000,
        utm_sources=("google",),
        utm_medium="cpc",
        click_id="gclid",
        referrer="https://www.google.com/",
        # auto-tagging leaves many clicks with nothing but the gclid
        tag_weights=(60, 33, 7),
        is_data_driven=True,
    ),
    AdPlatform(
        name=LINKEDIN,
        channel="paid_social",
        budget_share=0.13,
        modelled_per_click=0.010,
        views_per_impression=0.0,
        id_base=380_000_000,
        utm_sources=("linkedin",),
        utm_medium="paid_social",
        click_id="li_fat_id",
        referrer="https://www.linkedin.com/",
    ),
)
PLATFORMS = tuple(platform.name for platform in AD_PLATFORMS)
BY_NAME = {platform.name: platform for platform in AD_PLATFORMS}
