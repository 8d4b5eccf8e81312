"""Orders of known customers that would not have come without a newsletter."""

from __future__ import annotations

import numpy as np

from marketing_analytics.simulate.world.chance import stream
from marketing_analytics.simulate.world.customers.people import People
from marketing_analytics.simulate.world.customers.purchases import Woken
from marketing_analytics.simulate.world.mail.plan import MailPlan
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)

WAKE_CHANCE, PROMOTION_WAKE_CHANCE = 0.007, 0.014
# who was written to just now is woken less: the chance comes back with the days between
REST_DAYS = 4.0
LAG_SECONDS = 1.3 * 86_400


def wake_customers(
    parameters: WorldParameters, plan: MailPlan, people: People, first_us: np.ndarray
) -> Woken:
    """Return the orders that newsletters cause among customers who got them."""
    rng = stream(parameters.seed, "wakes")
    last_sent = {True: parameters.start_us - 7 * DAY_US, False: parameters.start_us - 7 * DAY_US}
    customers, moments, mails = [], [], []
    index = np.arange(people.customers)
    # a mailbox that dies loses its last mail: nobody is woken by it
    until = np.minimum(people.left_us, people.opted_out_us)[index] - 8 * DAY_US
    newsletters = [(m.sent_us, i) for i, m in enumerate(plan.mails) if m.sent_us > 0]
    for sent_us, mail in sorted(newsletters):
        is_eur = plan.mails[mail].is_eur
        rest = (sent_us - last_sent[is_eur]) / DAY_US
        chance = PROMOTION_WAKE_CHANCE if plan.mails[mail].is_promotion else WAKE_CHANCE
        chance *= 1.0 - np.exp(-rest / REST_DAYS)
        last_sent[is_eur] = sent_us
        is_member = (people.subscribed_us[index] <= sent_us) & (sent_us < until)
        is_member &= (first_us < sent_us) & (people.is_eur[index] == is_eur)
        woken = index[is_member & (rng.random(len(index)) < chance)]
        lag = (1_800 + rng.exponential(LAG_SECONDS, len(woken))).astype(np.int64) * SECOND_US
        customers.append(woken)
        moments.append(sent_us + lag)
        mails.append(np.full(len(woken), mail, dtype=np.int64))
    customer = np.concatenate([*customers, index[:0]]).astype(np.int64)
    moment = np.concatenate([*moments, index[:0]]).astype(np.int64)
    mail_index = np.concatenate([*mails, index[:0]]).astype(np.int64)
    keep = moment < parameters.end_us - HOUR_US
    return Woken(customer[keep], moment[keep], mail_index[keep])
