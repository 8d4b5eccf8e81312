"""The fields of adAnalytics: those that the world knows, those that are zero in it, and the rest.

Names: learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/ads-reporting-schema.
"""

from __future__ import annotations

KEY_FIELDS = ("dateRange", "pivotValues")
DEFAULT_FIELDS = ("impressions", "clicks")
KNOWN = (
    *DEFAULT_FIELDS, "landingPageClicks", "totalEngagements", "costInLocalCurrency", "costInUsd",
    "externalWebsiteConversions", "externalWebsitePostClickConversions",
    "externalWebsitePostViewConversions", "conversionValueInLocalCurrency",
)  # fmt: skip
# nobody in the world likes, shares or watches an ad
ZERO = (
    "actionClicks", "adUnitClicks", "cardClicks", "cardImpressions", "commentLikes", "comments",
    "companyPageClicks", "documentCompletions", "documentFirstQuartileCompletions",
    "documentMidpointCompletions", "documentThirdQuartileCompletions", "downloadClicks", "follows",
    "fullScreenPlays", "jobApplications", "jobApplyClicks", "leadGenerationMailContactInfoShares",
    "leadGenerationMailInterestedClicks", "likes", "oneClickLeadFormOpens", "oneClickLeads",
    "opens", "otherEngagements", "postClickJobApplications", "postClickJobApplyClicks",
    "postClickRegistrations", "postViewJobApplications", "postViewJobApplyClicks",
    "postViewRegistrations", "qualifiedLeads", "reactions", "registrations", "sends", "shares",
    "talentLeads", "textUrlClicks", "validWorkEmailLeads", "videoCompletions",
    "videoFirstQuartileCompletions", "videoMidpointCompletions", "videoStarts",
    "videoThirdQuartileCompletions", "videoViews",
)  # fmt: skip
# of what members shared on; the world has none of it
NOT_VIRAL = (
    "actionClicks", "adUnitClicks", "leadGenerationMailContactInfoShares",
    "leadGenerationMailInterestedClicks", "opens", "qualifiedLeads", "sends", "talentLeads",
    "textUrlClicks", "validWorkEmailLeads",
)  # fmt: skip
VIRAL = tuple(
    f"viral{name[0].upper()}{name[1:]}"
    for name in (*KNOWN, *ZERO)
    if name not in NOT_VIRAL and not name.endswith(("Currency", "Usd"))
)
# may be asked for, and are left out of the answer: the world does not know who saw an ad
ABSENT = (
    "approximateMemberReach", "approximateUniqueImpressions", "averageDailyReachMetrics",
    "averagePreviousSevenDayReachMetrics", "averagePreviousThirtyDayReachMetrics",
)  # fmt: skip
FIELDS = frozenset((*KEY_FIELDS, *KNOWN, *ZERO, *VIRAL, *ABSENT))
