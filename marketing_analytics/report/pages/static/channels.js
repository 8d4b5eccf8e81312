/* Channels: the table and its way down to ads, every model, claims, paths, hold-outs. */
"use strict";
(() => {
  report.keep("channel", "campaign", "group");
  const LINES = 6, ROWS = 15, PATHS = 10, MODEL_CHANNELS = 12;
  const sum = (list, of) => list.reduce((all, one) => all + of(one), 0);
  /* hundredths that were added up as fractions */
  const whole = (value) => Math.round(value * 100) / 100;
  const ratio = (above, below) => (below ? above / below : null);
  const usd = (context) => (value) => words.shown(context.money(value), "usd", context.currency);
  const modelName = ({ state }) => words.modelWords(state.model).toLowerCase();
  const spendNote = ({ state }) => (state.customers === "all" ? "" : "Spend and claims are not split by customers: they are of all.");
  const dayNote = ({ state }) => (state.day === "touch"
    ? "Revenue stands on the day of the touch: what the touches of these days have led to so far, so the latest days still grow."
    : "Revenue stands on the day of the sale: what was sold on these days, whenever the touches were.");
  const joined = (...texts) => texts.filter(Boolean).join(" ");

  /* lists that begin later than the first day */
  function part(list, start, [from, to]) {
    let total = 0;
    for (let day = Math.max(from, start); day <= to && day - start < list.length; day += 1) total += list[day - start];
    return total;
  }

  /* one channel in a range of days: amounts and conversions */
  function ofChannel(key, range, context, credit) {
    const { data, state } = context, types = measures.types(state.customers);
    const of = (name, kinds = types) => sum(kinds, (type) => measures.total(credit[name][key]?.[type], range)) / 100;
    const spend = measures.total(data.spend[key], range) / 100;
    const first = types.includes("first_order") ? of("credit_with_spend", ["first_order"]) : 0;
    return { spend: spend || null, revenue: of("revenue"), paidRevenue: of("with_spend"), conversions: of("credit"), first };
  }
  /* a change against nothing, or against more given back than sold, has no size */
  const changeOf = (now, past) => (past > 0 ? words.change(now, past) : null);
  const rates = (row) => ({ ...row, roas: ratio(row.paidRevenue, row.spend), cac: row.spend ? ratio(row.spend, row.first) : null });
  function channelRows(context, credit) {
    const { data, range, before, grain } = context, steps = report.steps(range, grain);
    const rows = data.channels.map(({ key, name }) => {
      const now = ofChannel(key, range, context, credit), past = before && ofChannel(key, before, context, credit);
      return {
        ...rates(now), key, name, change: key === "refunded" ? null : changeOf(now.revenue, past?.revenue), past: past ? past.revenue : null,
        trend: steps.map(([from, to]) => ofChannel(key, [from, to], context, credit).revenue),
      };
    }).filter((row) => row.spend || row.revenue || row.conversions || row.past);
    rows.sort((a, b) => (b.spend || 0) - (a.spend || 0) || b.revenue - a.revenue);
    return withTotal(rows, context, (all) => { for (const row of rows) row.share = ratio(row.revenue, all.revenue); all.share = all.revenue ? 1 : null; });
  }
  /* ROAS of a total is total over total */
  function withTotal(rows, context, after = () => {}) {
    if (!rows.length) return rows;
    const all = { name: "All", emphasis: true };
    for (const key of ["spend", "revenue", "paidRevenue", "conversions", "first", "clicks", "claims", "value"]) all[key] = whole(sum(rows, (row) => row[key] || 0));
    all.spend ||= null;
    const past = sum(rows, (row) => row.past || 0), now = rows[0].changes === "spend" ? all.spend : all.revenue;
    Object.assign(all, rates(all), { cpc: ratio(all.spend, all.clicks), claimedRoas: ratio(all.value, all.spend), change: context.before ? changeOf(now, past) : null });
    all.trend = rows[0].trend.map((_, place) => sum(rows, (row) => row.trend[place]));
    after(all);
    return [...rows, all];
  }

  const trendCell = (row) => (row.trend ? `<svg class="spark" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true"><path d="${blocks.spark(row.trend)}"/></svg>` : "");
  const changeCell = (better) => (row) => `<span class="delta ${words.tone(row.change, better)}">${words.changeWords(row.change)}</span>`;
  const link = (row, changes) => `<a href="${words.escape(report.address(changes))}" data-drill="${words.escape(JSON.stringify(changes))}">${words.escape(row.name)}</a>`;
  function columnsOf(first, middle, context, better) {
    const last = [{ key: "trend", label: "Trend", html: trendCell, csv: false }];
    if (context.before) last.push({ key: "change", label: "Change", unit: "share", html: changeCell(better) });
    return [first, ...middle, ...last];
  }
  const CREDITED = [
    { key: "spend", label: "Spend", unit: "usd" }, { key: "revenue", label: "Credited revenue", unit: "usd" },
    { key: "roas", label: "ROAS", unit: "ratio" }, { key: "cac", label: "Cost of a credited customer", unit: "usd" }, { key: "conversions", label: "Conversions", unit: "count" },
  ];

  /* from all channels down to ads: where one is stands in the address */
  async function table(context) {
    const { state, data } = context;
    const channel = data.channels.find(({ key }) => key === state.channel);
    if (!channel) return showChannels(context);
    const campaigns = await optional(data, "campaigns", channel.key);
    const campaign = campaigns.find((one) => `${one.platform}:${one.id}` === state.campaign);
    return campaign?.ads ? showAds(context, channel, campaign) : showCampaigns(context, channel, campaigns);
  }
  const optional = (data, ...parts) => {
    const name = parts.join("-");
    return own.files.includes(name) ? report.load(name) : Promise.resolve([]);
  };
  let own = { files: [] };

  async function showChannels(context) {
    const credit = await measures.loadCredit(context.state, context.data), rows = channelRows(context, credit);
    if (!isLatest(context)) return;
    const top = rows.find((row) => row.spend && !row.emphasis), all = rows.at(-1), money = usd(context);
    const share = (value) => words.shown(value, "share");
    fill("channel-table", context, [], {
      says: top ? `${top.name} takes most of the spend (${share(ratio(top.spend, all.spend))}) and is credited ${share(top.share)} of the revenue: ROAS ${words.shown(top.roas, "ratio")}, ${words.isNothing(top.cac) ? "no new customer credited" : `${money(top.cac)} for each new customer credited`}.` : all ? `No channel has spend in these days; ${money(all.revenue)} of revenue is credited.` : "",
      note: joined("A name opens its campaigns. Trend and change are of credited revenue. ROAS and the cost of a credited customer are of platforms whose spend is loaded; the latter divides spend by credited first orders, where CAC of the overview divides it by all new customers.", spendNote(context), context.state.compare === "plan" ? "Channels have no plan of their own." : ""),
      columns: columnsOf({ key: "name", label: "Channel", html: (row) => (row.emphasis || !hasCampaigns(row.key) ? words.escape(row.name) : link(row, { channel: row.key })) },
        [...CREDITED.slice(0, 2), { key: "share", label: "Share", unit: "share" }, ...CREDITED.slice(2)], context, "up"),
      rows, empty: "Nothing was spent or credited in these days.",
    });
  }
  const hasCampaigns = (key) => own.files.some((name) => name === `campaigns-${key}`);

  /* campaigns and ads are kept by day for the recent days only */
  function recent(context) {
    const start = context.data.recent_from, clip = ([from, to]) => [Math.max(from, start), to];
    return {
      range: clip(context.range), before: context.before && context.before[0] >= start ? context.before : null,
      note: context.range[0] < start ? `Campaigns and ads are kept by day from ${words.dayWords(report.dayOf(start))} on: shown from there.` : "",
    };
  }
  async function showCampaigns(context, channel, campaigns) {
    const { state, data } = context, start = data.recent_from, { range, before, note } = recent(context);
    const credits = await optional(data, "campaigns", channel.key, state.model, state.day);
    if (!isLatest(context)) return;
    const types = measures.types(state.customers), steps = report.steps(range, context.grain), found = new Map();
    for (const { platform, id, type, from, revenue, credit } of credits) {
      const one = found.get(`${platform}:${id}`) || [];
      one.push({ type, from: start + from, revenue, credit });
      found.set(`${platform}:${id}`, one);
    }
    const of = (one, days) => {
      const parts = (found.get(`${one.platform}:${one.id}`) || []).filter(({ type }) => types.includes(type));
      const revenue = sum(parts, (part_) => part(part_.revenue, part_.from, days)) / 100, at = start + one.from;
      return {
        revenue, paidRevenue: one.spend.length ? revenue : 0, conversions: sum(parts, (part_) => part(part_.credit, part_.from, days)) / 100,
        first: sum(parts.filter(({ type }) => type === "first_order"), (part_) => part(part_.credit, part_.from, days)) / 100,
        spend: part(one.spend, at, days) / 100, value: part(one.value, at, days) / 100,
      };
    };
    const rows = campaigns.map((one) => {
      const now = of(one, range), past = before && of(one, before);
      return {
        ...rates(now), name: one.name, platform: one.platform ? words.platformWords(one.platform) : "", key: `${one.platform}:${one.id}`, ads: one.ads,
        change: changeOf(now.revenue, past?.revenue), past: past ? past.revenue : null, trend: steps.map((days) => of(one, days).revenue),
      };
    }).filter((row) => row.spend || row.revenue || row.conversions || row.past).sort((a, b) => (b.spend || 0) - (a.spend || 0) || b.revenue - a.revenue);
    const top = rows[0], money = usd(context), hasSpend = rows.some((row) => row.spend), usual = String(data.defaults.window);
    const middle = hasSpend ? [...CREDITED, { key: "value", label: "Claimed value", unit: "usd" }] : [CREDITED[1], CREDITED[4]];
    fill("channel-table", context, [[channel.name, { channel: channel.key, campaign: "", group: "" }]], {
      says: top ? joined(hasSpend ? `${words.plural(rows.length, "campaign")}; ${top.name} spent most: ${money(top.spend)}, ROAS ${words.shown(top.roas, "ratio")}.` : `${words.plural(rows.length, "campaign")}; most is credited to ${top.name}: ${money(top.revenue)}.`) : "",
      note: joined(state.window === usual ? "" : `Campaigns are credited in the window of ${words.plural(Number(usual), "day")} only: that is what is shown.`, "Trend and change are of credited revenue. Touches that name no campaign stand in the channel alone.", spendNote(context), note),
      columns: columnsOf({ key: "name", label: "Campaign", html: (row) => (row.ads ? link(row, { channel: channel.key, campaign: row.key }) : words.escape(row.name)) },
        [{ key: "platform", label: "Platform", unit: "text" }, ...middle], { ...context, before }, "up"),
      rows: withTotal(rows, { ...context, before }), empty: "No campaign of this channel was active in these days.",
    });
  }
  async function showAds(context, channel, campaign) {
    const { state, data } = context, start = data.recent_from, { range, before, note } = recent(context), steps = report.steps(range, context.grain);
    const ads = await report.load(campaign.ads);
    if (!isLatest(context)) return;
    const key = `${campaign.platform}:${campaign.id}`, group = ads.find((one) => one.group === state.group);
    const of = (list, days) => {
      const at = (name) => sum(list, (one) => part(one[name], start + one.from, days));
      return { spend: at("spend") / 100, clicks: at("clicks"), claims: at("conversions") / 100, value: at("value") / 100 };
    };
    const row = (name, list, more) => {
      const now = of(list, range), past = before && of(list, before);
      return {
        ...now, ...more, name, changes: "spend", cpc: ratio(now.spend, now.clicks), claimedRoas: ratio(now.value, now.spend), trend: steps.map((days) => of(list, days).spend),
        change: changeOf(now.spend, past?.spend), past: past ? past.spend : null,
      };
    };
    const groups = [...new Set(ads.map((one) => one.group))];
    const rows = (group
      ? ads.filter((one) => one.group === group.group).map((one) => row(one.name, [one], {}))
      : groups.map((id) => { const list = ads.filter((one) => one.group === id); return row(list[0].group_name, list, { group: id }); })
    ).filter((one) => one.spend || one.clicks || one.claims || one.past).sort((a, b) => b.spend - a.spend);
    const trail = [[channel.name, { channel: channel.key, campaign: "", group: "" }], [campaign.name, { channel: channel.key, campaign: key, group: "" }]];
    if (group) trail.push([group.group_name, { channel: channel.key, campaign: key, group: group.group }]);
    const top = rows[0], money = usd(context), what = group ? "ad" : "ad group";
    fill("channel-table", context, trail, {
      says: top ? `${words.plural(rows.length, what)}; ${top.name} spent most: ${money(top.spend)}, ${words.isNothing(top.cpc) ? "no click" : `${money(top.cpc)} a click`}.` : "",
      note: joined("Revenue is credited down to campaigns; of ad groups and ads only spend, clicks and what the platform claims are known. Trend and change are of spend.", note),
      columns: columnsOf({ key: "name", label: group ? "Ad" : "Ad group", html: (one) => (one.group ? link(one, { channel: channel.key, campaign: key, group: one.group }) : words.escape(one.name)) }, [
        { key: "spend", label: "Spend", unit: "usd" }, { key: "clicks", label: "Clicks", unit: "count" }, { key: "cpc", label: "Cost per click", unit: "usd" },
        { key: "claims", label: "Claimed conversions", unit: "count" }, { key: "value", label: "Claimed value", unit: "usd" }, { key: "claimedRoas", label: "Claimed ROAS", unit: "ratio" },
      ], { ...context, before }, "neither"),
      rows: withTotal(rows, { ...context, before }), empty: "No ad of this campaign was shown in these days.",
    });
  }

  /* the table with the way back above it; who came by the keyboard goes on from there */
  let hasMoved = false;
  function fill(id, context, trail, spec) {
    blocks.show(id, { limit: ROWS, ...spec }, context);
    const block = document.querySelector(`[data-block="${id}"]`);
    let crumbs = block.querySelector(".crumbs");
    if (!crumbs) {
      crumbs = document.createElement("nav");
      crumbs.className = "crumbs";
      crumbs.setAttribute("aria-label", "Channel, campaign, ad group");
      block.querySelector("header").after(crumbs);
      block.addEventListener("click", drill);
    }
    const steps = [["All channels", { channel: "", campaign: "", group: "" }], ...trail];
    crumbs.hidden = !trail.length;
    crumbs.innerHTML = steps.map(([name, changes], place) => (place === steps.length - 1
      ? `<span aria-current="page" tabindex="-1">${words.escape(name)}</span>` : link({ name }, changes))).join(" <span aria-hidden=\"true\">›</span> ");
    if (hasMoved) (trail.length ? crumbs.lastElementChild : block.querySelector("[data-drill]"))?.focus({ preventScroll: true });
    hasMoved = false;
  }
  function drill(event) {
    const target = event.target.closest("[data-drill]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    hasMoved = true;
    report.set({ channel: "", campaign: "", group: "", ...JSON.parse(target.dataset.drill) }, true);
  }

  function trend(context, credit) {
    const { data, range, grain } = context, steps = report.steps(range, grain), money = usd(context);
    const revenue = (key, days) => ofChannel(key, days, context, credit).revenue;
    const found = data.channels.map((channel) => ({ ...channel, revenue: revenue(channel.key, range) })).filter((one) => one.revenue > 0).sort((a, b) => b.revenue - a.revenue);
    const shown = found.slice(0, LINES), others = found.slice(LINES);
    const rows = steps.map(([from, to, label]) => ({ label, ...Object.fromEntries(shown.map(({ key }) => [key, revenue(key, [from, to])])), others: sum(others, ({ key }) => revenue(key, [from, to])) }));
    const series = [...shown, ...(others.length ? [{ key: "others", name: `${words.plural(others.length, "other channel")}` }] : [])];
    const place = (key) => data.channels.findIndex((one) => one.key === key);
    blocks.show("channel-trend", {
      says: found.length ? `${words.listed(shown.slice(0, 3).map((one) => `${one.name} (${money(one.revenue)})`))} ${shown.length > 1 ? "are" : "is"} credited most, under ${modelName(context)} in ${words.plural(Number(context.state.window), "day")}.` : "",
      note: joined(dayNote(context), "Paid channels have full lines, others broken ones."),
      columns: [{ key: "label", label: "Days" }, ...series.map(({ key, name }) => ({ key, label: name, unit: "usd" }))],
      rows: found.length ? rows : [], empty: "No revenue is credited in these days.",
      option: (look) => ({
        legend: { icon: null, itemWidth: 20, itemHeight: 8 },
        xAxis: { type: "category", data: rows.map((row) => row.label) },
        yAxis: { type: "value", unit: context.currency, axisLabel: { formatter: blocks.short } },
        tooltip: { valueFormatter: (value) => words.shown(value, "usd", context.currency) },
        series: series.map(({ key, name, is_paid: isPaid }) => ({
          name, type: "line", symbol: rows.length > 1 ? "none" : "circle", data: rows.map((row) => context.money(row[key])),
          lineStyle: { width: 2, color: key === "others" ? look.muted : look.of(data.channels, key), type: key === "others" ? "dotted" : isPaid ? "solid" : place(key) % 2 ? "dashed" : [8, 3, 2, 3] },
          itemStyle: { color: key === "others" ? look.muted : look.of(data.channels, key) },
        })),
      }),
    }, context);
  }

  /* shares, so that what models say of these days stands beside what others say of all days */
  async function models(context) {
    const { data, state, range } = context, types = measures.types(state.customers);
    const credits = await measures.loadModels(context, true);
    if (!isLatest(context)) return;
    const kind = state.customers === "all" ? "all" : state.customers, windows = [...new Set(own.path_models.map((one) => one.days))];
    const ofPaths = own.path_models.filter((one) => one.type === kind && String(one.days) === state.window);
    const pathNames = [...new Set(ofPaths.map((one) => one.model))];
    const shares = credits.map((credit) => {
      const found = Object.fromEntries(data.channels.map(({ key }) => [key, sum(types, (type) => measures.total(credit.revenue[key]?.[type], range))]));
      const all = sum(Object.values(found), (value) => value);
      return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, ratio(value, all)]));
    });
    const pathShares = Object.fromEntries(pathNames.map((model) => {
      const list = ofPaths.filter((one) => one.model === model), all = sum(list, (one) => one.revenue);
      return [model, Object.fromEntries(list.map((one) => [one.channel, ratio(one.revenue, all)]))];
    }));
    const rows = data.channels.map(({ key, name }) => {
      const said = shares.map((share) => share[key] || 0), low = Math.min(...said), high = Math.max(...said);
      const by = (value) => words.modelWords(data.models[said.indexOf(value)]);
      return {
        key, name, said, own: said[data.models.indexOf(state.model)], low, high, spread: high - low, lowBy: by(low), highBy: by(high),
        ...Object.fromEntries(data.models.map((model, place) => [model, said[place]])), ...Object.fromEntries(pathNames.map((model) => [model, pathShares[model][key] ?? 0])),
      };
    }).filter((row) => row.high > 0.0005).sort((a, b) => b.high - a.high).slice(0, MODEL_CHANNELS);
    const wide = rows.reduce((best, row) => (!best || row.spread > best.spread ? row : best), null);
    const tight = rows.filter((row) => row.own > 0.02 && !["unattributed", "refunded"].includes(row.key)).reduce((best, row) => (!best || row.spread < best.spread ? row : best), null);
    const share = (value) => words.shown(value, "share");
    blocks.show("channel-models", {
      height: Math.max(180, rows.length * 30 + 76),
      says: wide ? joined(`The models agree least on ${wide.name}: ${share(wide.low)} of the revenue (${wide.lowBy.toLowerCase()}) to ${share(wide.high)} (${wide.highBy.toLowerCase()}).`, tight && tight !== wide ? `They agree best on ${tight.name}: ${share(tight.low)} to ${share(tight.high)}.` : "") : "",
      note: joined("The line spans all rule models of these days: its length is how much the choice of a model decides.",
        pathNames.length ? "Markov and Shapley are worked out over all days, not these: hollow marks." : windows.length ? `Markov and Shapley are worked out over all days, in windows of ${words.listed(windows.map(String))} days: choose one of these to see them.` : ""),
      columns: [
        { key: "name", label: "Channel" }, { key: "own", label: `Chosen: ${words.modelWords(state.model)}`, unit: "share" }, { key: "low", label: "Lowest", unit: "share" }, { key: "lowBy", label: "Lowest by", unit: "text" },
        { key: "high", label: "Highest", unit: "share" }, { key: "highBy", label: "Highest by", unit: "text" }, { key: "spread", label: "Spread", unit: "share" },
        ...data.models.map((model) => ({ key: model, label: words.modelWords(model), unit: "share" })), ...pathNames.map((model) => ({ key: model, label: `${words.modelWords(model)} (all days)`, unit: "share" })),
      ],
      rows, empty: "No revenue is credited in these days.",
      option: (look) => {
        const marks = (name, values, more) => ({ name, type: "scatter", z: 6, data: rows.flatMap((row, place) => values(row).map(([value, text]) => ({ value: [value * 100, place], text }))), ...more });
        return {
          legend: { data: ["Rule models", `Chosen: ${words.modelWords(state.model)}`, ...(pathNames.length ? ["Markov, Shapley (all days)"] : [])], icon: null, itemWidth: 12 },
          xAxis: { type: "value", min: 0, unit: "share of revenue", axisLabel: { formatter: (value) => `${blocks.short(value)} %` } },
          yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name) },
          tooltip: { trigger: "item", formatter: ({ data: { text }, value: [, place] }) => `${rows[place].name}: ${text}` },
          series: [
            { type: "custom", silent: true, z: 4, tooltip: { show: false }, data: rows.map((row, place) => [row.low * 100, row.high * 100, place]),
              renderItem: (_, api) => {
                const [from, to] = [0, 1].map((side) => api.coord([api.value(side), api.value(2)]));
                return { type: "rect", shape: { x: from[0], y: from[1] - 3, width: Math.max(1, to[0] - from[0]), height: 6, r: 3 }, style: { fill: look.line } };
              } },
            marks("Rule models", (row) => row.said.map((value, place) => [value, `${words.modelWords(data.models[place])} ${share(value)}`]), { symbol: "circle", symbolSize: 7, itemStyle: { color: look.muted } }),
            marks(`Chosen: ${words.modelWords(state.model)}`, (row) => [[row.own, `${words.modelWords(state.model)} ${share(row.own)}`]], { symbol: "diamond", symbolSize: 14, z: 8, itemStyle: { color: look.colors[0] } }),
            marks("Markov, Shapley (all days)", (row) => pathNames.map((model) => [row[model], `${words.modelWords(model)} ${share(row[model])}, of all days`]), { symbol: "circle", symbolSize: 9, z: 7, itemStyle: { color: "transparent", borderColor: look.colors[1], borderWidth: 1.5 } }),
          ],
        };
      },
    }, context);
  }

  /* what the platforms say beside what the model says: by channel, and by platform where that is known */
  async function claims(context) {
    const { data, state, range } = context, usual = String(data.defaults.window), isUsual = state.window === usual;
    const all = { ...context, state: { ...state, customers: "all" } };
    const [credit, claimed, platforms] = await Promise.all([measures.loadCredit(state, data), report.load("claims"), isUsual ? optional(data, "platforms", state.model, state.day) : []]);
    if (!isLatest(context)) return;
    const row = (name, list, credited, more = {}) => {
      const value = sum(list, (one) => measures.total(one.value, range)) / 100, claims_ = sum(list, (one) => measures.total(one.conversions, range)) / 100;
      return {
        name, value, claims: claims_, credited: credited.revenue, conversions: credited.conversions, share: ratio(value, credited.revenue), ...more,
      };
    };
    const ofChannels = data.channels.filter(({ key }) => claimed.some((one) => one.channel === key)).map(({ key, name }) => {
      const { paidRevenue, conversions } = ofChannel(key, range, all, credit);
      return row(name, claimed.filter((one) => one.channel === key), { revenue: paidRevenue, conversions: sum(["first_order", "repeat_order"], (type) => measures.total(credit.credit_with_spend[key]?.[type], range)) / 100 || 0, all: conversions }, { key });
    }).filter((one) => one.value || one.claims || one.credited);
    const ofPlatforms = isUsual ? [...new Set(claimed.map((one) => one.platform))].map((platform) => {
      const mine = platforms.filter((one) => one.platform === platform);
      return row(words.platformWords(platform), claimed.filter((one) => one.platform === platform), { revenue: sum(mine, (one) => measures.total(one.revenue, range)) / 100, conversions: sum(mine, (one) => measures.total(one.credit, range)) / 100 });
    }).filter((one) => one.value || one.claims || one.credited) : [];
    ofChannels.sort((a, b) => b.value - a.value);
    ofPlatforms.sort((a, b) => b.value - a.value);
    const total = row("All", claimed, { revenue: whole(sum(ofChannels, (one) => one.credited)), conversions: whole(sum(ofChannels, (one) => one.conversions)) }, { emphasis: true });
    const money = usd(context), percent = (value) => `${words.number(value * 100)} %`;
    const worst = [...(ofPlatforms.length ? ofPlatforms : ofChannels)].filter((one) => !words.isNothing(one.share)).sort((a, b) => b.share - a.share)[0];
    const rows = ofChannels.length ? [...ofChannels, ...ofPlatforms.map((one) => ({ ...one, name: `Platform: ${one.name}` })), total] : [];
    blocks.show("claims", {
      height: Math.max(180, ofChannels.length * 46 + 70),
      says: ofChannels.length ? joined(words.isNothing(total.share) ? `Platforms claim ${money(total.value)}; ${modelName(context)} credits nothing to them.` : `Platforms claim ${percent(total.share)} of what ${modelName(context)} credits to them: ${money(total.value)} against ${money(total.credited)}.`, worst ? `Furthest off: ${worst.name}, ${percent(worst.share)}.` : "") : "",
      note: joined(state.day === "touch" ? "Platforms book a claim on the day of the click, and so do these figures." : "Platforms book a claim on the day of the click: let revenue count on the day of the touch to compare like with like.",
        state.customers === "all" ? "" : "Claims are not split by customers: both sides are of all.", isUsual ? "Rows of platforms count touches that name a campaign." : `By platform it is known in the window of ${words.plural(Number(usual), "day")} only.`),
      columns: [{ key: "name", label: "Channel or platform" }, { key: "value", label: "Claimed value", unit: "usd" }, { key: "credited", label: "Credited revenue", unit: "usd" }, { key: "share", label: "Claimed of credited", unit: "share" },
        { key: "claims", label: "Conv. claimed", unit: "count" }, { key: "conversions", label: "Conv. credited", unit: "count" }],
      rows, empty: "No platform claims anything in these days.",
      option: (look) => ({
        xAxis: { type: "value", unit: context.currency, axisLabel: { formatter: blocks.short } },
        yAxis: { type: "category", inverse: true, data: ofChannels.map((one) => one.name) },
        tooltip: { trigger: "axis", valueFormatter: (value) => words.shown(value, "usd", context.currency) },
        series: [
          { name: "Claimed by platforms", type: "bar", barMaxWidth: 14, data: ofChannels.map((one) => context.money(one.value)), itemStyle: { color: look.soft, borderColor: look.colors[1], borderWidth: 1.5, borderType: "dashed", borderRadius: [0, 3, 3, 0] }, label: { show: true, position: "right", color: look.ink, formatter: ({ dataIndex }) => (words.isNothing(ofChannels[dataIndex].share) ? "" : percent(ofChannels[dataIndex].share)) } },
          { name: "Credited by the model", type: "bar", barMaxWidth: 14, data: ofChannels.map((one) => context.money(one.credited)), itemStyle: { color: look.colors[0], borderRadius: [0, 3, 3, 0] } },
        ],
        grid: { right: 56 },
      }),
    }, context);
  }

  const MISSING = "Paths are not built yet: the job attribution-daily-refresh brings them.";
  function paths(context) {
    const { state, data } = context, kind = state.customers === "all" ? "all" : state.customers, known = own.paths[kind] || {};
    const windows = Object.keys(known).map(Number), asked = Number(state.window);
    const days = windows.reduce((best, one) => (best === null || Math.abs(one - asked) < Math.abs(best - asked) ? one : best), null);
    const found = known[days] || { paths: [], lengths: [], conversions: 0, rare: 0 };
    const name = Object.fromEntries(data.channels.map((channel) => [channel.key, channel.name]));
    const inWords = (path) => path.split(" > ").map((key) => name[key] || words.modelWords(key)).join(" → ");
    const whole = joined("Of all days: paths do not follow the choice of days, nor models.", days === null || days === asked ? "" : `Paths are read in windows of ${words.listed(windows.map(String))} days: shown is ${days}.`);
    const top = found.paths[0], share = (value) => words.shown(value, "share");
    blocks.show("paths", {
      limit: PATHS,
      says: top ? `${share(top.share)} of conversions came over ${inWords(top.path)}, the path that most took; half of them within ${dayWords(top.median_days)}.` : "",
      note: joined(whole, found.paths.length ? `Paths that fewer than ${own.minimum} conversions took are left out: ${share(ratio(found.rare, found.conversions))} of conversions.` : ""),
      columns: [{ key: "name", label: "Path" }, { key: "length", label: "Steps", unit: "count" }, { key: "conversions", label: "Conversions", unit: "count" }, { key: "share", label: "Share", unit: "share" }, { key: "rate", label: "Converts", unit: "share" }, { key: "revenue_usd", label: "Revenue", unit: "usd" }, { key: "median_days", label: "Half within", unit: "days", html: (one) => lasted(one.median_days) }, { key: "p90_days", label: "9 of 10 within", unit: "days", html: (one) => lasted(one.p90_days) }],
      rows: found.paths.map((one) => ({ ...one, name: inWords(one.path) })), empty: windows.length ? `No path was taken by ${own.minimum} conversions or more.` : MISSING,
    }, context);
    const lengths = found.lengths, all = sum(lengths, (one) => one.conversions), one = lengths.find(({ length }) => length === 1);
    const longer = lengths.length > 1 && lengths.at(-1).mean_days ? lengths.at(-1) : null;
    const label = (length) => (length === own.longest ? `${length} and more` : String(length)), short = (length) => (length === own.longest ? `${length}+` : String(length));
    blocks.show("path-length", {
      says: one ? `${share(ratio(one.conversions, all))} of conversions needed one channel; ${share(1 - one.conversions / all)} met two or more before they bought${longer ? `, and those with ${label(longer.length)} took ${words.number(longer.mean_days, 1)} days on average` : ""}.` : "",
      note: whole, empty: windows.length ? `No length was that of ${own.minimum} conversions or more.` : MISSING,
      columns: [{ key: "label", label: "Channels on the way" }, { key: "conversions", label: "Conversions", unit: "count" }, { key: "share", label: "Share", unit: "share" }, { key: "mean_days", label: "Mean days to convert", unit: "ratio" }],
      rows: lengths.map((row) => ({ ...row, label: label(row.length), share: ratio(row.conversions, all) })),
      option: (look) => ({
        legend: { show: false },
        xAxis: { type: "category", unit: "channels on the way", data: lengths.map(({ length }) => short(length)) },
        yAxis: { type: "value", unit: "conversions", axisLabel: { formatter: blocks.short } },
        tooltip: { formatter: ([{ dataIndex }]) => `${label(lengths[dataIndex].length)}: ${words.plural(lengths[dataIndex].conversions, "conversion")}, ${words.number(lengths[dataIndex].mean_days, 1)} days on average` },
        series: [{ type: "bar", barMaxWidth: 34, data: lengths.map(({ conversions }) => conversions), itemStyle: { color: look.colors[0], borderRadius: [2, 2, 0, 0] }, label: { show: true, position: "top", color: look.muted, formatter: ({ dataIndex }) => share(ratio(lengths[dataIndex].conversions, all)) } }],
      }),
    }, context);
  }
  const lasted = (days) => (words.isNothing(days) ? words.DASH : days < 1 / 24 ? `${words.number(Math.max(1, days * 1440))} min` : days < 2 ? `${words.number(days * 24)} h` : `${words.number(days, 1)} days`);
  const dayWords = (days) => (days < 1 / 24 ? "an hour" : days < 1 ? words.plural(Math.ceil(days * 24), "hour") : words.plural(Math.ceil(days), "day"));

  /* what a hold-out of regions measured, beside what the chosen model credits; whatever the choice of days */
  function causal(context, credit) {
    const { data, state, range } = context, { tests, channels } = own.causal, model = words.modelWords(state.model);
    const name = Object.fromEntries(data.channels.map((channel) => [channel.key, channel.name])), share = (value) => words.shown(value, "share");
    const firsts = Object.fromEntries(data.channels.map(({ key }) => [key, measures.total(credit.credit[key]?.first_order, range)])), all = sum(Object.values(firsts), (value) => value);
    const verdict = (one) => (one.low <= 0 && one.high >= 0 ? "not told apart from nothing" : words.isNothing(one.credited) ? "causes orders" : one.low > one.credited ? "causes more than is credited" : one.high < one.credited ? "causes less than is credited" : "agrees with what is credited");
    const rows = channels.map((one) => ({ ...one, name: name[one.channel] || one.channel, credited: ratio(firsts[one.channel] || 0, all) })).map((one) => ({ ...one, verdict: verdict(one), emphasis: true }));
    const parts = (channel) => tests.filter((one) => one.channel === channel).map((one) => ({
      ...one, name: `${words.modelWords(one.name)}, ${words.rangeWords(one.first, one.last)}`,
      verdict: one.status === "estimated" ? joined(`${words.plural(one.held_out_during, "first order")} in ${words.plural(one.regions_held_out, "region")} held out`, one.is_over ? "" : "(it goes on)") : one.status,
    }));
    const untold = (channel) => ({ name: name[channel] || "Several channels", verdict: "not estimated", emphasis: true });
    const listed = [...new Set(tests.map((one) => one.channel))].flatMap((channel) => [rows.find((one) => one.channel === channel) || untold(channel), ...parts(channel)]);
    const span = (one) => `${share(one.low)} to ${share(one.high)}`, sure = rows.filter((one) => one.low > 0 || one.high < 0);
    const narrow = [...rows].sort((a, b) => a.high - a.low - b.high + b.low)[0];
    blocks.show("causal", {
      height: rows.length ? Math.max(150, rows.length * 44 + 80) : 0,
      says: !rows.length ? "" : sure.length ? `${words.listed(sure.map((one) => `${one.name} causes ${share(one.share)} of first orders (${span(one)}), where ${model} credits ${share(one.credited)}`))}.`
        : `What ${words.plural(rows.length, "channel")} ${rows.length === 1 ? "causes" : "cause"} cannot be told apart from nothing yet; the narrowest interval is that of ${narrow.name}: ${span(narrow)} of first orders.`,
      note: tests.length ? "Estimated, not counted: campaigns rested by plan in some regions, and first orders there are compared with as many days before and with the regions kept; in 19 of 20 cases the truth lies in the interval. Of all days, and of orders that the web analytics saw. Parts of a channel are tested apart and put together: spend tested says how much of it they are." : "",
      columns: [{ key: "name", label: "What rested" }, { key: "share", label: "Caused", unit: "share" }, { key: "low", label: "At least", unit: "share" }, { key: "high", label: "At most", unit: "share" }, { key: "credited", label: `Credited by ${model}`, unit: "share" }, { key: "spend_share", label: "Spend tested", unit: "share" }, { key: "verdict", label: "In words", unit: "text" }],
      rows: listed, empty: "No campaign has rested by plan in some regions: what is credited to ads is not measured by a hold-out. The shop's table planned_pauses is where one is planned.",
      ...(rows.length ? { option: (look) => ({
        legend: { data: ["Caused", "Credited"], icon: null, itemWidth: 12 },
        xAxis: { type: "value", unit: "share of first orders", axisLabel: { formatter: (value) => `${blocks.short(value)} %` } },
        yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name) },
        tooltip: { trigger: "item", formatter: ({ data: { text }, value: [, place] }) => `${rows[place].name}: ${text}` },
        series: [
          { type: "custom", silent: true, z: 4, tooltip: { show: false }, encode: { x: [0, 1], y: 2 }, data: rows.map((row, place) => [row.low * 100, row.high * 100, place]),
            renderItem: (_, api) => {
              const [from, to] = [0, 1].map((side) => api.coord([api.value(side), api.value(2)]));
              return { type: "rect", shape: { x: from[0], y: from[1] - 3, width: Math.max(1, to[0] - from[0]), height: 6, r: 3 }, style: { fill: look.line } };
            } },
          { name: "Caused", type: "scatter", z: 7, symbol: "diamond", symbolSize: 14, itemStyle: { color: look.colors[0] }, data: rows.map((row, place) => ({ value: [row.share * 100, place], text: `caused ${share(row.share)}, ${span(row)}` })) },
          { name: "Credited", type: "scatter", z: 6, symbol: "circle", symbolSize: 9, itemStyle: { color: "transparent", borderColor: look.colors[1], borderWidth: 1.5 }, data: rows.map((row, place) => ({ value: [row.credited * 100, place], text: `${model} credits ${share(row.credited)}` })) },
        ],
      }) } : {}),
    }, context);
  }

  /* causal share of mail: only where some were held out */
  function holdOuts(context) {
    const element = document.querySelector('[data-block="hold-outs"]');
    element.hidden = !own.hold_outs.length;
    if (element.hidden) return;
    const money = usd(context);
    const rows = own.hold_outs.map((one) => {
      const error = 1.96 * one.uplift_error_usd * one.members_written, low = one.uplift_usd - error, high = one.uplift_usd + error;
      return { ...one, low, high, name: `${one.name} (${words.platformWords(one.platform)})`, verdict: low > 0 ? "earns more than nothing" : high < 0 ? "costs revenue" : "not told apart from nothing" };
    });
    const sure = rows.filter((one) => one.low > 0);
    blocks.show("hold-outs", {
      says: sure.length ? `${words.listed(sure.map((one) => `${one.name} caused ${money(one.low)} to ${money(one.high)}`))}.` : `${words.plural(rows.length, "mail flow")} ${rows.length === 1 ? "was" : "were"} held back from some members; the difference cannot be told apart from nothing yet.`,
      note: "Members drawn by lot get no mail of the flow; what the others bring beyond them is what the flow caused, in 19 of 20 cases within the interval. Of all days.",
      columns: [{ key: "name", label: "Flow" }, { key: "members_written", label: "Members written", unit: "count" }, { key: "members_held_out", label: "Held out", unit: "count" }, { key: "attributed_revenue_usd", label: "Credited revenue", unit: "usd" }, { key: "uplift_usd", label: "Caused", unit: "usd" }, { key: "low", label: "At least", unit: "usd" }, { key: "high", label: "At most", unit: "usd" }, { key: "verdict", label: "In words", unit: "text" }],
      rows,
    }, context);
  }

  let latest;
  const isLatest = (context) => latest === context;
  report.onChange(async (context) => {
    latest = context;
    own = await report.load("channels");
    if (!isLatest(context)) return;
    const credit = await measures.loadCredit(context.state, context.data);
    await table(context);
    if (!isLatest(context)) return;
    trend(context, credit);
    paths(context);
    causal(context, credit);
    holdOuts(context);
    document.body.dataset.drawn = String(Date.now());
    await Promise.all([blocks.whenSeen("channel-models", () => models(context)), blocks.whenSeen("claims", () => claims(context))]);
  });
})();
