/* Budget: a month against its plan, day by day and by campaign; what a cut would lose; worn ads. */
"use strict";
(() => {
  report.keep("month", "platform");
  const ROWS = 15, RETURNS = 12;
  const usd = (context) => (value) => words.shown(context.money(value), "usd", context.currency);
  const joined = (...texts) => texts.filter(Boolean).join(" ");
  const dollars = (cents) => (words.isNothing(cents) ? null : cents / 100);

  /* of the usual filters only the currency applies; month and platform are the page's own */
  function choices(data, state) {
    const form = document.querySelector("[data-filters]"), { month, platform } = form.elements;
    const platforms = ["all", ...new Set(data.lines.map((line) => line.platform).filter((name) => name !== "all"))];
    month.replaceChildren(...[...data.months].reverse().map((one) => new Option(words.monthWords(one), one)));
    platform.replaceChildren(...platforms.map((name) => (name === "all" ? new Option("All", "") : new Option(words.platformWords(name), name))));
    month.parentElement.hidden = !data.months.length;
    platform.parentElement.hidden = platforms.length < 2;
    month.value = data.months.includes(state.month) ? state.month : data.months.at(-1) || "";
    platform.value = platforms.includes(state.platform) ? state.platform : "";
    document.querySelector("[data-filter-words]").textContent = "Month, platform and currency";
    return { month: month.value, platform: platform.value };
  }
  const lastDay = (month) => new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();

  /* what has run up, what was planned to, and where it may end */
  function days(context, data, byDay, { month, platform }) {
    const name = platform || "all", line = pacing.linesOf(data, month).find((one) => one.platform === name);
    const spent = byDay[name], known = line && spent ? Number(line.until.slice(8)) : 0, length = month ? lastDay(month) : 0;
    const first = month ? report.indexOf(`${month}-01`) : 0, rows = [];
    let sum = 0;
    for (let day = 1; day <= length && known; day += 1) {
      const value = spent[first + day - 1], isKnown = day <= known && first + day - 1 >= 0, ahead = line.way?.[day - known - 1];
      if (isKnown) sum += value / 100;
      const isEdge = day === known && line.days_left > 0;
      rows.push({
        label: String(day), spend: isKnown ? value / 100 : null, sum: isKnown ? sum : null, plan: line.budget === null ? null : (line.budget * day) / length,
        forecast: day > known ? line.spend + ((line.forecast - line.spend) * (day - known)) / line.days_left : isEdge ? sum : null,
        low: ahead ? dollars(ahead[0]) : isEdge && line.way ? sum : null, high: ahead ? dollars(ahead[1]) : isEdge && line.way ? sum : null,
      });
    }
    const money = usd(context), at = context.money;
    const { made, held } = data.looked_back, isAhead = line?.days_left > 0;
    const suggestion = !isAhead || words.isNothing(line.a_day) ? "" : line.a_day > 0 ? `To end on budget, spend ${money(line.a_day)} a day in the ${words.plural(line.days_left, "day")} left.` : `The budget is spent with ${words.plural(line.days_left, "day")} left.`;
    blocks.show("pacing-days", {
      says: line ? joined(isAhead ? `${line.name}: ${money(line.spend)} by day ${known} of ${length}, ${line.light}. The last seven days carried on, it ends at ${money(line.forecast)}${words.isNothing(line.low) ? "" : `, in eight of ten cases between ${money(line.low)} and ${money(line.high)}`}.` : `${line.name}: the month ended at ${money(line.spend)}${line.budget === null ? "" : `, ${line.light}`}.`, suggestion) : "",
      note: joined("The plan runs up evenly. The band is made of how much the sums of the last eight weeks differ, with their weekdays, and is widened until it would have held eight of ten past forecasts; under four weeks of spend there is none.",
        made ? `Looked back: of ${words.plural(made, "forecast")} made on day 10 and 20 of past months, ${words.number(held)} (${words.number((held / made) * 100)} %) held what came.` : ""),
      columns: [{ key: "label", label: "Day" }, { key: "spend", label: "Spent on the day", unit: "usd" }, { key: "sum", label: "Spent so far", unit: "usd" }, { key: "plan", label: "Plan", unit: "usd" },
        ...(isAhead ? [{ key: "forecast", label: "Forecast", unit: "usd" }, { key: "low", label: "At least", unit: "usd" }, { key: "high", label: "At most", unit: "usd" }] : [])],
      rows, empty: "No spend is known by day.",
      option: (look) => ({
        xAxis: { type: "category", data: rows.map((row) => row.label), boundaryGap: false, unit: "day of the month" }, yAxis: { type: "value", unit: context.currency, axisLabel: { formatter: blocks.short } },
        legend: { data: ["Spent", ...(line.budget === null ? [] : ["Plan"]), ...(isAhead ? ["Forecast"] : [])], icon: null, itemWidth: 22 },
        tooltip: { formatter: (found) => { const row = rows[found[0].dataIndex]; return [`Day ${row.label}`, row.sum === null ? "" : `spent ${money(row.sum)}`, row.plan === null ? "" : `plan ${money(row.plan)}`, row.sum === null && row.forecast !== null ? `forecast ${money(row.forecast)}${row.low === null ? "" : `, ${money(row.low)} to ${money(row.high)}`}` : ""].filter(Boolean).join("\n"); } },
        series: [
          { type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, data: rows.map((row) => at(row.low)) },
          { type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, areaStyle: { color: look.colors[0], opacity: 0.16 }, data: rows.map((row) => (row.low === null ? null : at(row.high - row.low))) },
          { name: "Plan", type: "line", symbol: "none", data: rows.map((row) => at(row.plan)), lineStyle: { color: look.colors[1], width: 2, type: "dashed" }, itemStyle: { color: look.colors[1] } },
          { name: "Forecast", type: "line", symbol: "none", data: rows.map((row) => at(row.forecast)), lineStyle: { color: look.colors[0], width: 2, type: "dotted" }, itemStyle: { color: look.colors[0] } },
          { name: "Spent", type: "line", symbol: "none", data: rows.map((row) => at(row.sum)), lineStyle: { color: look.colors[0], width: 2.5 }, itemStyle: { color: look.colors[0] } },
        ],
      }),
    }, context);
  }

  async function campaigns(context, data, { month, platform }) {
    const lines = month ? await report.load(`budget-${month}`) : [];
    if (!isLatest(context)) return;
    const rows = lines.filter((line) => !platform || line.platform === platform).map((line) => ({ ...pacing.row(line), name: line.name, where: words.platformWords(line.platform), emphasis: false }))
      .sort((a, b) => b.spend - a.spend);
    const planned = rows.filter((row) => row.budget !== null), off = planned.filter((row) => pacing.light(row.pacing).tone === "error"), isAhead = !pacing.isOver(rows), money = usd(context);
    const worst = [...off].sort((a, b) => Math.abs(b.spend - b.due) - Math.abs(a.spend - a.due))[0];
    blocks.show("pacing-campaigns", {
      limit: ROWS,
      says: rows.length ? `${words.plural(planned.length, "campaign")} ${planned.length === 1 ? "has" : "have"} a budget; ${off.length ? `${words.number(off.length)} ${off.length === 1 ? "is" : "are"} off plan, ${worst.name} by most: ${money(Math.abs(worst.spend - worst.due))} ${worst.spend > worst.due ? "over" : "under"}` : "none is off plan"}.` : "",
      note: planned.length < rows.length ? "Campaigns without a budget have no plan." : "",
      columns: [{ key: "name", label: "Campaign" }, { key: "where", label: "Platform", unit: "text" }, { key: "budget", label: "Budget", unit: "usd" }, { key: "due", label: "Due by now", unit: "usd" }, { key: "spend", label: "Spent", unit: "usd" }, { key: "light", label: "Against plan", unit: "text", html: (row) => pacing.lightHtml(row.pacing) },
        ...(isAhead ? [{ key: "forecast", label: "Forecast", unit: "usd" }, { key: "low", label: "At least", unit: "usd" }, { key: "high", label: "At most", unit: "usd" }, { key: "a_day", label: "A day from now", unit: "usd" }] : [])],
      rows, empty: "No campaign had a budget or spend in this month.",
    }, context);
  }

  const LOST = "Revenue it loses, with its interval", SAVED = "Spend it saves", isNarrow = () => matchMedia("(max-width: 700px)").matches;
  const REASONS = { "too few weeks": "too few weeks of spend to tell", "too many weeks without conversions": "too many weeks without a conversion" };
  function returns(context, page, platform) {
    const all = page.returns.filter((one) => !platform || one.platform === platform).map((one) => {
      const row = { ...one, spend: dollars(one.spend), saved: dollars(one.saved), lost: dollars(one.lost), low: dollars(one.lost_low), high: dollars(one.lost_high) };
      const isKnown = !words.isNothing(row.lost), verdict = !isKnown ? `not estimated: ${REASONS[one.status] || one.status}` : row.high < row.saved ? "loses less than it saves" : row.low > row.saved ? "loses more than it saves" : "may be either";
      return { ...row, isKnown, verdict, emphasis: one.is_total, name: one.is_total ? `${words.platformWords(one.platform)}, all` : one.name, where: words.platformWords(one.platform) };
    });
    const known = all.filter((row) => row.isKnown), least = known.filter((row) => row.verdict === "loses less than it saves" && !row.is_total), drawn = known.slice(0, RETURNS), money = usd(context);
    blocks.show("returns", {
      limit: ROWS, height: Math.max(150, drawn.length * 30 + 62),
      says: known.length ? joined(least.length ? `Cut by a fifth, ${words.listed(least.slice(0, 3).map((row) => row.name))} would lose less revenue than it saves.` : "Of no campaign is it certain that a cut by a fifth loses less revenue than it saves.", all.length > known.length ? `${words.plural(all.length - known.length, "line")} could not be estimated; the table says why.` : "") : all.length ? "No campaign has varied enough weeks of spend for an estimate; the table says why." : "",
      note: "A week's figures, from how credited revenue moved with spend: the interval holds in 19 of 20 cases. Revenue is not profit. Neither days nor models of the filters apply.",
      columns: [{ key: "name", label: "Campaign" }, { key: "where", label: "Platform", unit: "text" }, { key: "spend", label: "Spend a week", unit: "usd" }, { key: "saved", label: "A cut saves", unit: "usd" }, { key: "lost", label: "It loses", unit: "usd" }, { key: "low", label: "At least", unit: "usd" }, { key: "high", label: "At most", unit: "usd" }, { key: "marginal_roas", label: "Marginal ROAS", unit: "ratio" }, { key: "verdict", label: "In words", unit: "text" }],
      rows: all, empty: "Marginal returns are not built yet: the job campaign-performance brings them.",
      option: drawn.length ? (look) => ({
        legend: { data: [{ name: LOST, icon: "circle" }, { name: SAVED, icon: "rect" }] },
        xAxis: { type: "value", unit: `${context.currency} a week`, axisLabel: { formatter: blocks.short } }, yAxis: { type: "category", inverse: true, data: drawn.map((row) => row.name), axisLabel: { width: isNarrow() ? 110 : 220, overflow: "truncate" } },
        tooltip: { trigger: "item", formatter: ({ dataIndex }) => { const row = drawn[dataIndex]; return `${row.name}: loses ${money(row.lost)} (${money(row.low)} to ${money(row.high)}), saves ${money(row.saved)}\n${row.verdict}`; } },
        series: [
          { type: "custom", z: 3, encode: { x: [0, 1], y: 2 }, data: drawn.map((row, place) => [at(context, row.low), at(context, row.high), place]),
            renderItem: (_, api) => {
              const [from, to] = [0, 1].map((side) => api.coord([api.value(side), api.value(2)]));
              return { type: "rect", shape: { x: from[0], y: from[1] - 4, width: Math.max(1, to[0] - from[0]), height: 8, r: 3 }, style: { fill: look.colors[0], opacity: 0.3 } };
            } },
          { name: LOST, type: "scatter", z: 5, symbol: "circle", symbolSize: 9, itemStyle: { color: look.colors[0] }, data: drawn.map((row, place) => [at(context, row.lost), place]) },
          { name: SAVED, type: "scatter", z: 6, symbol: "rect", symbolSize: [3, 16], itemStyle: { color: look.colors[1] }, data: drawn.map((row, place) => [at(context, row.saved), place]) },
        ],
      }) : undefined,
    }, context);
  }
  const at = (context, value) => context.money(value);

  function fatigue(context, page, platform) {
    const { statuses, tired, falling } = page.fatigue, ads = page.fatigue.ads.filter((ad) => !platform || ad.platform === platform);
    const judged = statuses.judged || 0, others = Object.entries(statuses).filter(([status]) => status !== "judged").map(([status, count]) => `${words.number(count)} ${status}`);
    const percent = (value) => (words.isNothing(value) ? words.DASH : `${words.number(value * 100, 2)} %`);
    blocks.show("fatigue", {
      limit: ROWS,
      says: judged ? `${words.number(tired)} of ${words.plural(judged, "ad")} that could be judged ${tired === 1 ? "wears" : "wear"} out: click rate falls while people see it more often.` : Object.keys(statuses).length ? "No ad could be judged yet." : "",
      note: joined("First days against the latest.", others.length ? `Not judged: ${words.listed(others)}.` : "", falling > page.fatigue.ads.length ? `The ${page.fatigue.ads.length} with most impressions of ${words.number(falling)} are listed.` : "", "Filters of days do not apply."),
      columns: [{ key: "name", label: "Ad" }, { key: "campaign", label: "Campaign", unit: "text" }, { key: "where", label: "Platform", unit: "text" }, { key: "showing_days", label: "Days shown", unit: "count" }, { key: "first_rate", label: "Click rate at first", unit: "share", html: (row) => percent(row.first_rate) }, { key: "latest_rate", label: "Latest", unit: "share", html: (row) => percent(row.latest_rate) }, { key: "rate_change", label: "Change", unit: "share" }, { key: "first_frequency", label: "Seen at first", unit: "ratio" }, { key: "latest_frequency", label: "Seen latest", unit: "ratio" }, { key: "verdict", label: "In words", unit: "text", keeps: true }],
      rows: ads.map((ad) => ({ ...ad, where: words.platformWords(ad.platform), verdict: ad.is_fatigued ? "worn out" : "click rate falls" })),
      empty: Object.keys(statuses).length ? "No ad wears out." : "Nothing is known of ads yet: the job campaign-performance brings it.",
    }, context);
  }

  let latest;
  const isLatest = (context) => latest === context;
  report.onChange(async (context) => {
    latest = context;
    const data = await report.load("budget");
    if (!isLatest(context)) return;
    const chosen = choices(data, context.state), { month, platform } = chosen;
    const line = data.lines.find((one) => one.month === month && one.platform === "all");
    document.querySelector("[data-range-words]").textContent = !line ? "No month is known" : line.days_left ? `${words.monthWords(month)}, to ${words.dayWords(line.until)}: ${words.plural(line.days_left, "day")} left` : `${words.monthWords(month)}, whole`;
    pacing.show("pacing", data, month, context);
    const byDay = await report.load("budget-days");
    if (!isLatest(context)) return;
    days(context, data, byDay, chosen);
    document.body.dataset.drawn = String(Date.now());
    const more = (fill) => async () => {
      const page = await report.load("budget-page");
      if (isLatest(context)) fill(context, page, platform);
    };
    await Promise.all([blocks.whenSeen("pacing-campaigns", () => campaigns(context, data, chosen)), blocks.whenSeen("returns", more(returns)), blocks.whenSeen("fatigue", more(fatigue))]);
  });
})();
