/* E-mail: what was sent and read, by people and by machines; lists; flows and what they cause. */
"use strict";
(() => {
  const isNarrow = matchMedia("(max-width: 700px)").matches;
  const SYMBOLS = ["circle", "diamond", "triangle", "rect"];
  const MINIMUM = 10, ROWS_SHOWN = isNarrow ? 5 : 15, ROW = 30;
  const NAMES = { mailchimp: "Mailchimp", klaviyo: "Klaviyo", sendgrid: "SendGrid", hubspot: "HubSpot" };
  const FIGURES = ["sent", "delivered", "bounces", "human_opens", "machine_opens", "human_openers", "openers", "human_clicks", "machine_clicks", "human_clickers", "clickers", "unsubscribes", "complaints", "attributed_conversions", "attributed_revenue_usd"];
  const JOB = "the jobs email-marketing-metrics and automation-flows do it";
  let file = {}, mails = [];
  report.load("email").then((found) => {
    file = found;
    const { columns, rows } = found.campaigns || { rows: [] };
    mails = rows.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place]])));
  });
  const of = (name) => file[name] || [];
  const unique = (list) => [...new Set(list)];
  const named = (platform) => NAMES[platform] || platform;
  const dollars = (cents) => (words.isNothing(cents) ? null : cents / 100);
  const money = (context, usd) => words.shown(context.money(usd), "usd", context.currency);
  const size = (id, rows, one = ROW, rest = 60) => { const element = document.querySelector(`[data-block="${id}"]`); if (element) element.dataset.height = String(rest + one * Math.max(rows, 1)); };
  const platforms = () => unique([...mails, ...of("breakdowns")].map(({ platform }) => platform)).sort((a, b) => place({ platform: a }) - place({ platform: b }));
  const chosen = () => Object.fromEntries(platforms().map((platform) => [platform, named(platform)]));
  const flowKey = (row) => `${row.platform} ${row.automation_id}`;
  const audience = (id) => [...mails, ...of("lists")].find((row) => row.audience_id === id && row.audience_name)?.audience_name || id;
  /* flows of one title differ by their audience */
  function flowTitle(row) {
    const isOne = of("flows").filter((other) => other.platform === row.platform && other.automation_title === row.automation_title).length < 2;
    const id = of("steps").find((step) => flowKey(step) === flowKey(row))?.audience_id;
    return isOne || !id ? row.automation_title : `${row.automation_title}, ${audience(id)}`;
  }
  const BREAKDOWNS = { recipient_domain: "Recipients' domain", audience_id: "Audience", sender_domain: "Sender's domain" };

  const place = ({ platform }) => (Object.keys(NAMES).indexOf(platform) + 1) || 9;
  const ranked = () => of("flows").filter((row) => of("steps").some((step) => flowKey(step) === flowKey(row))).sort((a, b) => place(a) - place(b) || b.sent - a.sent);

  report.offer("mailer", chosen);
  report.offer("mail_by", BREAKDOWNS);
  report.offer("flow", () => Object.fromEntries(ranked().map((row) => [flowKey(row), `${named(row.platform)}: ${flowTitle(row)}`])));

  /* a figure that no mail tells is nothing, not 0 */
  function added(rows) {
    return Object.fromEntries(FIGURES.map((name) => {
      const told = rows.filter((row) => !words.isNothing(row[name]));
      return [name, told.length ? told.reduce((all, row) => all + row[name], 0) : null];
    }));
  }
  const share = (part, whole) => (words.isNothing(part) || !whole ? null : part / whole);
  const rated = (row) => ({
    ...row, delivery_rate: share(row.delivered, row.sent), bounce_rate: share(row.bounces, row.sent), open_rate: share(row.human_openers, row.delivered), click_rate: share(row.human_clickers, row.delivered),
    all_open_rate: share(row.openers, row.delivered), all_click_rate: share(row.clickers, row.delivered), unsubscribe_rate: share(row.unsubscribes, row.delivered), revenue: dollars(row.attributed_revenue_usd), each: share(dollars(row.attributed_revenue_usd), row.delivered),
  });
  const inside = (range) => ({ day }) => range && day >= range[0] && day <= range[1];
  const UNTOLD = "–: the platform does not tell.";
  const RATES = [{ key: "open_rate", label: "Opened by people", unit: "share" }, { key: "all_open_rate", label: "Opened, machines too", unit: "share" }, { key: "click_rate", label: "Clicked by people", unit: "share" }, { key: "all_click_rate", label: "Clicked, machines too", unit: "share" }, { key: "unsubscribes", label: "Unsubscribed", unit: "count" }, { key: "unsubscribe_rate", label: "Of delivered", unit: "share" }];
  const REVENUE = [{ key: "revenue", label: "Attributed revenue", unit: "usd" }, { key: "each", label: "Revenue a mail", unit: "usd" }];

  function totals(context) {
    const now = mails.filter(inside(context.range)), past = context.before ? mails.filter(inside(context.before)) : [];
    const of_platform = (rows, platform) => rows.filter((row) => row.platform === platform);
    const rows = platforms().filter((platform) => of_platform(now, platform).length).map((platform) => {
      const own = of_platform(now, platform), before = rated(added(of_platform(past, platform))), found = rated(added(own));
      return { ...found, name: named(platform), mails: own.length, change: words.changeWords(words.change(found.open_rate ?? found.all_open_rate, before.open_rate ?? before.all_open_rate)).replaceAll(" ", "\u00a0") };
    });
    const first = rows.reduce((top, row) => (row.human_openers !== null && (!top || row.sent > top.sent) ? row : top), null) || rows[0];
    blocks.show("mail-platforms", {
      says: !first ? "" : first.human_openers === null ? `${first.name} sent ${words.plural(first.sent, "message")} of ${words.plural(first.mails, "campaign")}; ${words.shown(first.all_open_rate, "share")} of those that arrived were opened, by people or machines.`
        : `${first.name} sent ${words.plural(first.sent, "message")} of ${words.plural(first.mails, "campaign")}: people opened ${words.shown(first.open_rate, "share")} of those that arrived and clicked in ${words.shown(first.click_rate, "share")}${first.revenue === null ? "" : `; they brought ${money(context, first.revenue)}`}. With machines it would seem ${words.shown(first.all_open_rate, "share")}.`,
      note: `Campaigns sent in these days; flows are below. The same mail sent through two platforms is two mails, so platforms are not added up. Revenue is that of the default attribution model, new and known customers. ${UNTOLD}`,
      empty: file.campaigns ? "No campaign was sent in these days." : `Mails are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Platform" }, { key: "mails", label: "Campaigns", unit: "count" }, { key: "sent", label: "Sent", unit: "count" }, { key: "delivered", label: "Delivered", unit: "count" }, { key: "bounces", label: "Bounced", unit: "count" }, { key: "bounce_rate", label: "Of sent", unit: "share" }, ...RATES, ...REVENUE, { key: "change", label: "Open rate, on before" }],
      rows,
    }, context);
  }

  function opens(context) {
    const platform = context.state.mailer, own = mails.filter((row) => row.platform === platform);
    const steps = report.steps(context.range, context.grain);
    const rows = steps.map(([from, to, label]) => ({ label, ...rated(added(own.filter(inside([from, to])))) }));
    const all = rated(added(own.filter(inside(context.range)))), isTold = all.human_opens !== null;
    const drawn = rows.filter(({ sent }) => sent);
    blocks.show("opens", {
      says: isTold ? `${words.shown(share(all.machine_opens, all.machine_opens + all.human_opens), "share")} of ${words.number(all.machine_opens + all.human_opens)} opens were machines': privacy proxies and scanners that load every mail. People opened ${words.shown(all.open_rate, "share")} of what arrived.` : all.sent ? `${named(platform)} tells opens as one number: how many were machines' is not known.` : "",
      note: "By the day the campaign was sent. Machines are told by the platform's mark or by their behaviour; people are whoever is left.",
      choices: { mailer: "Platform" }, keeps: true,
      empty: file.campaigns ? (platform ? `${named(platform)} sent no campaign in these days.` : "No campaign was sent in these days.") : `Mails are not built: ${JOB}.`,
      columns: [{ key: "label", label: "Days" }, { key: "sent", label: "Sent", unit: "count" }, { key: "human_opens", label: "Opens by people", unit: "count" }, { key: "machine_opens", label: "Opens by machines", unit: "count" }, { key: "open_rate", label: "Opened by people", unit: "share" }, { key: "human_clicks", label: "Clicks by people", unit: "count" }, { key: "machine_clicks", label: "Clicks by machines", unit: "count" }],
      rows: drawn,
      option: isTold ? (look) => ({
        grid: { right: 8 }, xAxis: { type: "category", data: rows.map(({ label }) => label) },
        yAxis: [{ type: "value", unit: "opens", axisLabel: { formatter: blocks.short } }, { type: "value", unit: "of delivered", position: "right", min: 0, splitLine: { show: false }, axisLabel: { formatter: (part) => `${words.number(part * 100)} %` } }],
        series: [
          { name: "People", type: "bar", stack: "opens", barMaxWidth: 26, data: rows.map((row) => row.human_opens), itemStyle: { color: look.colors[0] }, tooltip: { valueFormatter: (count) => (words.isNothing(count) ? words.DASH : words.number(count)) } },
          { name: "Machines", type: "bar", stack: "opens", barMaxWidth: 26, data: rows.map((row) => row.machine_opens), itemStyle: { color: look.card, borderColor: look.colors[7], borderWidth: 1.5, borderType: "dashed" }, tooltip: { valueFormatter: (count) => (words.isNothing(count) ? words.DASH : words.number(count)) } },
          { name: "Opened by people, of delivered", type: "line", yAxisIndex: 1, connectNulls: true, symbolSize: 5, data: rows.map((row) => row.open_rate), lineStyle: { color: look.colors[1], width: 2 }, itemStyle: { color: look.colors[1] }, tooltip: { valueFormatter: (part) => words.shown(part, "share") } },
        ],
      }) : null,
    }, context);
  }

  function campaigns(context) {
    const rows = mails.filter(inside(context.range)).sort((a, b) => b.day - a.day || place(a) - place(b) || b.sent - a.sent).map((row) => ({ ...rated(row), name: row.campaign_title || row.subject_line || row.campaign_id, on: words.dayWords(row.day_date).replaceAll(" ", "\u00a0"), via: named(row.platform), to: row.audience_name || words.DASH }));
    const best = rows.reduce((top, row) => (row.open_rate !== null && (!top || row.open_rate > top.open_rate) ? row : top), null), rich = rows.reduce((top, row) => (row.revenue && (!top || row.revenue > top.revenue) ? row : top), null);
    blocks.show("mail-campaigns", {
      says: best ? `Of ${words.plural(rows.length, "campaign")}, “${best.name}” (${best.via}, ${best.on}) was opened by most people: ${words.shown(best.open_rate, "share")}.${rich ? ` “${rich.name}” (${rich.via}, ${rich.on}) brought most: ${money(context, rich.revenue)}.` : ""}` : "",
      note: `Newest first. Mails to fewer than ${MINIMUM} are left out. ${UNTOLD}`,
      empty: file.campaigns ? "No campaign was sent in these days." : `Mails are not built: ${JOB}.`, limit: ROWS_SHOWN,
      columns: [{ key: "name", label: "Campaign" }, { key: "on", label: "Sent on" }, { key: "via", label: "Platform" }, { key: "to", label: "Audience" }, { key: "sent", label: "Sent", unit: "count" }, { key: "delivered", label: "Delivered", unit: "count" }, { key: "bounces", label: "Bounced", unit: "count" }, { key: "human_opens", label: "Opens by people", unit: "count" }, { key: "machine_opens", label: "Opens by machines", unit: "count" }, { key: "open_rate", label: "Opened by people", unit: "share" }, { key: "human_clicks", label: "Clicks by people", unit: "count" }, { key: "click_rate", label: "Clicked by people", unit: "share" }, { key: "unsubscribes", label: "Unsubscribed", unit: "count" }, ...REVENUE],
      rows,
    }, context);
  }

  function flows(context) {
    const rows = of("flows").map((row) => ({ ...row, name: flowTitle(row), via: named(row.platform), done: share(row.sent_last_step, row.sent_first_step), took: row.hours_to_last_step === null ? null : row.hours_to_last_step / 24, revenue: dollars(row.attributed_revenue_usd), each: share(dollars(row.attributed_revenue_usd), row.delivered) }))
      .sort((a, b) => (b.revenue ?? -1) - (a.revenue ?? -1) || b.sent - a.sent);
    const best = rows.find(({ revenue }) => revenue), leaky = rows.reduce((top, row) => (row.done !== null && (!top || row.done < top.done) ? row : top), null);
    blocks.show("flows", {
      says: leaky ? `${best ? `“${best.name}” of ${best.via} brought most: ${money(context, best.revenue)}, by attribution. ` : ""}“${leaky.name}” of ${leaky.via} loses most: ${words.shown(leaky.done, "share")} of those who got the first step got the last.` : "",
      note: `Since each flow began: the days do not apply. Attribution says who clicked, not who would have bought anyway; the next block does. ${UNTOLD}`,
      empty: file.flows ? "No flow has sent mails yet." : `Flows are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Flow" }, { key: "via", label: "Platform" }, { key: "steps", label: "Steps", unit: "count" }, { key: "sent", label: "Sent", unit: "count" }, { key: "delivered", label: "Delivered", unit: "count" }, { key: "sent_first_step", label: "First step", unit: "count" }, { key: "sent_last_step", label: "Last step", unit: "count" }, { key: "done", label: "Got to the last", unit: "share" }, { key: "took", label: "Days to the last", unit: "ratio", html: (row) => (row.took === null ? words.DASH : words.number(row.took, 1)) }, { key: "unsubscribes", label: "Unsubscribed", unit: "count" }, ...REVENUE],
      rows, limit: ROWS_SHOWN,
    }, context);
  }
  function uplift(context) {
    const rows = of("flows").filter((row) => row.uplift_per_member_usd !== null && row.uplift_error_usd !== null).map((row) => {
      const middle = dollars(row.uplift_per_member_usd), error = dollars(row.uplift_error_usd), low = middle - 2 * error, high = middle + 2 * error;
      return { name: flowTitle(row), via: named(row.platform), written: row.members_written, held: row.members_held_out, with: dollars(row.revenue_per_member_usd), without: dollars(row.revenue_per_held_out_usd), middle, low, high, verdict: low > 0 ? "It causes sales" : high < 0 ? "It costs sales" : "Not told apart from none" };
    });
    const first = rows.reduce((top, row) => (!top || row.written > top.written ? row : top), null), drawn = rows.map((row) => ({ ...row, ...Object.fromEntries(["middle", "low", "high"].map((key) => [key, context.money(row[key])])) }));
    const say = (row) => `${row.low > 0 ? "caused sales" : row.high < 0 ? "cost sales" : "caused nothing that can be told from chance"}`;
    size("uplift", rows.length, 48, 60);
    blocks.show("uplift", {
      says: first ? `“${first.name}” ${say(first)}: those who got it bought for ${money(context, first.with)} each in 30 days, those left out by chance for ${money(context, first.without)}; a difference of ${money(context, first.middle)}, between ${money(context, first.low)} and ${money(context, first.high)} in 19 of 20 cases.` : "",
      note: `A causal measure: members are left out of the flow by chance (a hold-out), and both groups are compared whatever they clicked. The line is two errors to each side; where it crosses 0, the flow may do nothing. Needs ${MINIMUM} members of each. The days do not apply.`,
      empty: file.flows ? "No flow has a hold-out: leave some members out by chance to learn what a flow causes (docs, E-mail, Hold-outs)." : `Flows are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Flow" }, { key: "via", label: "Platform" }, { key: "written", label: "Members who got it", unit: "count" }, { key: "held", label: "Held out", unit: "count" }, { key: "with", label: "Bought, each", unit: "usd" }, { key: "without", label: "Held out bought, each", unit: "usd" }, { key: "middle", label: "Uplift a member", unit: "usd" }, { key: "low", label: "Low", unit: "usd" }, { key: "high", label: "High", unit: "usd" }, { key: "verdict", label: "Says" }],
      rows,
      option: (look) => ({
        legend: { show: false }, grid: { top: 8 },
        xAxis: { type: "value", unit: `${context.currency} a member`, axisLabel: { formatter: blocks.short }, }, yAxis: { type: "category", inverse: true, data: rows.map(({ name }) => name), axisLabel: { width: 112, overflow: "break", lineHeight: 15 } },
        tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${rows[place].name}: ${money(context, rows[place].middle)}, ${money(context, rows[place].low)} to ${money(context, rows[place].high)}` },
        series: [
          { type: "scatter", symbolSize: 12, z: 6, data: drawn.map(({ middle }, place) => [middle, place]), itemStyle: { color: look.colors[0] }, markLine: { symbol: "none", silent: true, label: { show: false }, lineStyle: { color: look.muted, type: "solid" }, data: [{ xAxis: 0 }] } },
          { type: "custom", silent: true, z: 5, encode: { x: [0, 1], y: 2 }, data: drawn.map(({ low, high }, place) => [low, high, place]), renderItem: (_, api) => {
            const [from, to] = [0, 1].map((part) => api.coord([api.value(part), api.value(2)])), style = { stroke: look.ink, lineWidth: 1.5 };
            const tick = ([x, y]) => ({ type: "line", shape: { x1: x, y1: y - 6, x2: x, y2: y + 6 }, style });
            return { type: "group", children: [{ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style }, tick(from), tick(to)] };
          } },
        ],
      }),
    }, context);
  }
  function steps(context) {
    const own = of("steps").filter((row) => flowKey(row) === context.state.flow), first = own[0];
    const rows = own.map((row, place) => ({ ...rated(row), name: `${row.step_position}. ${row.step_title || row.subject_line || "Step"}`, of_first: share(row.sent, first.sent), lost: place < own.length - 1 && row.sent_next_step !== null ? 1 - share(row.sent_next_step, row.sent) : null, hours: row.hours_to_next_step }));
    const worst = rows.reduce((top, row) => (row.lost !== null && (!top || row.lost > top.lost) ? row : top), null);
    size("flow-steps", rows.length, 44, 16);
    blocks.show("flow-steps", {
      says: worst ? `After “${worst.step_title || worst.name}” ${words.shown(worst.lost, "share")} do not get the next step: they bought, left, or are not there yet.` : "",
      note: `Since the flow began: the days do not apply. Steps of fewer than ${MINIMUM} mails are left out. ${UNTOLD}`,
      choices: { flow: "Flow" }, empty: file.steps ? "No flow has sent mails yet." : `Flows are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Step" }, { key: "sent", label: "Sent", unit: "count" }, { key: "of_first", label: "Of the first step", unit: "share" }, { key: "delivered", label: "Delivered", unit: "count" }, { key: "open_rate", label: "Opened by people", unit: "share" }, { key: "all_open_rate", label: "Opened, machines too", unit: "share" }, { key: "click_rate", label: "Clicked by people", unit: "share" }, { key: "unsubscribes", label: "Unsubscribed", unit: "count" }, { key: "lost", label: "Lost before the next", unit: "share" }, { key: "hours", label: "Days to the next", unit: "ratio", html: (row) => (words.isNothing(row.hours) ? words.DASH : words.number(row.hours / 24, 1)) }, { key: "revenue", label: "Attributed revenue", unit: "usd" }],
      rows,
      option: (look) => ({
        legend: { show: false }, grid: { top: 4, right: isNarrow ? 64 : 120 }, xAxis: { type: "value", show: false, max: Math.max(1, ...rows.map(({ sent }) => sent)) }, yAxis: { type: "category", inverse: true, data: rows.map(({ name }) => name), axisLabel: { width: isNarrow ? 104 : 140, overflow: "break", lineHeight: 14 } },
        tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${rows[place].name}: ${words.number(rows[place].sent)} sent` },
        series: [{ type: "bar", barWidth: "64%", itemStyle: { color: look.colors[0], borderRadius: [0, 3, 3, 0] }, showBackground: true, backgroundStyle: { color: look.soft }, data: rows.map(({ sent }) => sent), label: { show: true, position: "right", color: look.ink, formatter: ({ dataIndex: place }) => (isNarrow ? words.number(rows[place].sent) : `${words.number(rows[place].sent)} · ${words.shown(rows[place].of_first, "share")}`) } }],
      }),
    }, context);
  }

  function frequency(context) {
    const all = of("frequency").map((row) => ({ ...rated(row), via: named(row.platform) })), via = unique(all.map((row) => row.platform));
    const last = (row) => !all.some((other) => other.platform === row.platform && other.fewest > row.highest);
    const rows = all.map((row) => ({ ...row, name: last(row) && row.fewest > 1 ? `${row.fewest} or more` : row.fewest === row.highest ? String(row.fewest) : `${row.fewest} to ${row.highest}`, }));
    const many = rows.filter(({ delivered }) => delivered >= 100), top = many.reduce((best, row) => (row.open_rate !== null && (!best || row.open_rate > best.open_rate) ? row : best), null), low = many.reduce((worst, row) => (row.open_rate !== null && (!worst || row.open_rate < worst.open_rate) ? row : worst), null);
    const places = unique(rows.map(({ most }) => most)).sort((a, b) => a - b);
    const symbols = ["circle", "diamond"], series = via.flatMap((platform, number) => [["opened", "open_rate"], ["clicked", "click_rate"]].map(([verb, key], kind) => ({ name: `${named(platform)}, ${verb}`, platform, place: number, key, kind })));
    blocks.show("frequency", {
      says: top && top !== low ? `People opened most, ${words.shown(top.open_rate, "share")}, as number ${top.name} in 30 days (${top.via}), and least, ${words.shown(low.open_rate, "share")}, as number ${low.name} (${low.via}).` : "",
      note: `What became of a mail by how many its recipient had got in 30 days. Who gets many is somebody else than who gets few, so this shows where fatigue may be, not what one mail more does. Numbers of fewer than ${MINIMUM} recipients stand with the next. All days.`,
      empty: file.frequency ? "No platform tells mails by recipient yet." : `Mails are not built: ${JOB}.`,
      columns: [{ key: "via", label: "Platform" }, { key: "name", label: "Mails in 30 days" }, { key: "delivered", label: "Delivered", unit: "count" }, { key: "open_rate", label: "Opened by people", unit: "share" }, { key: "click_rate", label: "Clicked by people", unit: "share" }, { key: "unsubscribe_rate", label: "Unsubscribed", unit: "share" }],
      rows,
      option: (look) => ({
        xAxis: { type: "category", data: places.map(String), unit: "mails in 30 days" }, yAxis: { type: "value", min: 0, axisLabel: { formatter: (part) => `${words.number(part * 100)} %` } },
        tooltip: { valueFormatter: (part) => words.shown(part, "share") },
        legend: { data: series.map(({ name, kind }) => ({ name, icon: symbols[kind] })) },
        series: series.map(({ name, platform, place: number, key, kind }) => ({ name, type: "line", connectNulls: true, symbolSize: 7, symbol: symbols[kind], data: places.map((most) => rows.find((row) => row.platform === platform && row.most === most)?.[key] ?? null), lineStyle: { color: look.colors[number], width: 2, type: look.dashes[kind] }, itemStyle: { color: look.colors[number] } })),
      }),
    }, context);
  }
  function lists(context) {
    const all = of("lists").map((row) => ({ ...row, list: `${named(row.platform)}: ${row.audience_name || (row.audience_id === "all" ? "all members" : row.audience_id)}`, month: row.month_date.slice(0, 7), left: (row.unsubscribed || 0) + (row.removed || 0), growth: row.members_at_start ? (row.members_at_end - row.members_at_start) / row.members_at_start : null }));
    const names = unique(all.map(({ list }) => list)), months = unique(all.map(({ month }) => month)).sort(), newest = all.filter(({ month }) => month === months.at(-1)), big = newest.reduce((top, row) => (!top || row.members_at_end > top.members_at_end ? row : top), null);
    blocks.show("lists", {
      says: big ? `${big.list} has ${words.plural(big.members_at_end, "member")} at the end of ${words.monthWords(big.month)}: ${words.number(big.joined)} joined, ${words.number(big.left)} left or were removed.` : "",
      note: `By month: the days do not apply. The same people may be on the lists of two platforms, so lists are not added up. Lists of fewer than ${MINIMUM} members are left out.`,
      empty: file.lists ? `No list has ${MINIMUM} members yet.` : `Lists are not built: ${JOB}.`,
      columns: [{ key: "list", label: "List" }, { key: "when", label: "Month" }, { key: "members_at_start", label: "Members at first", unit: "count" }, { key: "joined", label: "Joined", unit: "count" }, { key: "unsubscribed", label: "Unsubscribed", unit: "count" }, { key: "removed", label: "Removed", unit: "count" }, { key: "members_at_end", label: "Members at the end", unit: "count" }, { key: "growth", label: "Growth", unit: "share" }],
      rows: all.map((row) => ({ ...row, when: words.monthWords(row.month) })).sort((a, b) => b.month.localeCompare(a.month) || a.list.localeCompare(b.list)),
      option: (look) => ({
        xAxis: { type: "category", data: months.map(words.monthWords) }, yAxis: { type: "value", unit: "members", axisLabel: { formatter: blocks.short } }, tooltip: { valueFormatter: (count) => (words.isNothing(count) ? words.DASH : words.number(count)) },
        legend: { data: names.map((name, number) => ({ name, icon: SYMBOLS[number % SYMBOLS.length] })) },
        series: names.map((list, number) => ({ name: list, type: "line", symbolSize: 8, symbol: SYMBOLS[number % SYMBOLS.length], data: months.map((month) => all.find((row) => row.list === list && row.month === month)?.members_at_end ?? null), lineStyle: { color: look.colors[number % look.colors.length], width: 2, type: look.dashes[number % look.dashes.length] }, itemStyle: { color: look.colors[number % look.colors.length] } })),
      }),
    }, context);
  }
  function breakdowns(context) {
    const by = context.state.mail_by;
    const rows = of("breakdowns").filter(({ breakdown }) => breakdown === by).map((row) => ({ ...rated(row), via: named(row.platform), cell_name: row.cell === "unknown" ? "Unknown" : row.cell === "other" ? "Other, merged" : by === "audience_id" ? audience(row.cell) : row.cell }));
    const told = rows.filter(({ open_rate: rate, delivered }) => rate !== null && delivered >= 100), best = told.reduce((top, row) => (!top || row.open_rate > top.open_rate ? row : top), null);
    const drawn = told.slice(0, 16);
    size("mail-breakdowns", drawn.length, 38, 50);
    blocks.show("mail-breakdowns", {
      says: best && told.length > 1 ? `People open most at ${best.cell_name} (${best.via}): ${words.shown(best.open_rate, "share")} of what arrived; with machines it would be ${words.shown(best.all_open_rate, "share")}.` : "",
      note: `Campaigns and flows together, of all days. ${by === "recipient_domain" ? `Domains of fewer than ${MINIMUM} recipients are one: Other, merged. ` : ""}${UNTOLD}`,
      choices: { mail_by: "By" }, empty: file.breakdowns ? "No platform tells this." : `Mails are not built: ${JOB}.`,
      columns: [{ key: "cell_name", label: BREAKDOWNS[by] }, { key: "via", label: "Platform" }, { key: "sent", label: "Sent", unit: "count" }, { key: "delivered", label: "Delivered", unit: "count" }, { key: "bounce_rate", label: "Bounced", unit: "share" }, ...RATES, ...REVENUE],
      rows,
      option: drawn.length ? (look) => ({
        xAxis: { type: "value", axisLabel: { formatter: (part) => `${words.number(part * 100)} %` } }, yAxis: { type: "category", inverse: true, data: drawn.map((row) => `${row.cell_name}\n${row.via}`), axisLabel: { width: isNarrow ? 104 : 150, overflow: "break", lineHeight: 13 } }, tooltip: { valueFormatter: (part) => words.shown(part, "share") },
        series: [["Opened by people", "open_rate", look.colors[0]], ["Opened, machines too", "all_open_rate", look.colors[7]]].map(([name, key, color]) => ({ name, type: "bar", barMaxWidth: 10, itemStyle: { color, borderRadius: [0, 3, 3, 0] }, data: drawn.map((row) => row[key]) })),
      }) : null,
    }, context);
  }

  report.onChange(async (context) => {
    totals(context);
    opens(context);
    campaigns(context);
    flows(context);
    uplift(context);
    steps(context);
    frequency(context);
    lists(context);
    breakdowns(context);
    document.body.dataset.drawn = document.body.dataset.filled = String(Date.now());
  });
})();
