/* Budgets of a month: the light with its word, and the block that two pages share. */
"use strict";
const pacing = (() => {
  const ON_PLAN = 0.05, WATCH = 0.2;
  const ICONS = { success: "M3 8.5l3.5 3.5L13 4.5", warn: "M8 2l6.5 11.5h-13zM8 6.5v3M8 11.6v.1", error: "M4 4l8 8M12 4l-8 8", idle: "M3 8h10" };

  /* spend against the plan of the days so far: 1 is on it */
  function light(share) {
    if (words.isNothing(share)) return { tone: "idle", word: "no budget", text: "no budget" };
    const off = Math.abs(share - 1), side = share > 1 ? "over" : "under";
    const [tone, word] = off <= ON_PLAN ? ["success", "on plan"] : off <= WATCH ? ["warn", "watch"] : ["error", "off plan"];
    return { tone, word, text: off < 0.0005 ? word : `${word}: ${words.number(off * 100, off < 0.1 ? 1 : 0)} % ${side}` };
  }
  const lightHtml = (share) => {
    const { tone, text } = light(share);
    return `<span class="light t-${tone}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[tone]}"/></svg>${words.escape(text)}</span>`;
  };
  const dollars = (cents) => (words.isNothing(cents) ? null : cents / 100);
  const nameOf = (line) => (line.platform === "all" ? "All platforms" : words.platformWords(line.platform));
  /* a line of the data as a row of a table */
  function row(line) {
    return {
      ...line, name: nameOf(line), budget: dollars(line.budget), spend: dollars(line.spend), due: dollars(line.due), forecast: dollars(line.forecast),
      low: dollars(line.low), high: dollars(line.high), a_day: dollars(line.a_day), light: light(line.pacing).text, emphasis: line.platform === "all",
    };
  }
  const linesOf = (data, month) => data.lines.filter((line) => line.month === month).map(row);
  const isOver = (rows) => rows.every((one) => !one.days_left);

  function said(rows, month, context) {
    const all = rows.find((one) => one.platform === "all"), money = (usd) => words.shown(context.money(usd), "usd", context.currency);
    if (!all) return "";
    if (all.budget === null) return `${money(all.spend)} was spent in ${words.monthWords(month)}; no platform has a budget.`;
    const end = isOver(rows) ? `The month is over at ${words.number((all.spend / all.budget) * 100)} % of its budget of ${money(all.budget)}.`
      : `As it goes, the month ends at ${money(all.forecast)}${words.isNothing(all.low) ? "" : ` (${money(all.low)} to ${money(all.high)})`} of ${money(all.budget)}; ${words.plural(all.days_left, "day")} left.`;
    const off = rows.filter((one) => one.platform !== "all" && light(one.pacing).tone !== "success" && one.budget !== null);
    const which = off.length ? ` ${words.listed(off.map((one) => `${one.name} is ${light(one.pacing).text.split(": ")[1]}`))}.` : ` Every platform is on plan.`;
    return `${money(all.spend)} is spent, ${light(all.pacing).text}. ${end}${which}`;
  }
  const columns = (rows) => [
    { key: "name", label: "Platform" }, { key: "budget", label: "Budget", unit: "usd" }, { key: "due", label: "Due by now", unit: "usd" }, { key: "spend", label: "Spent", unit: "usd" },
    { key: "light", label: "Against plan", unit: "text", html: (one) => lightHtml(one.pacing) },
    ...(isOver(rows) ? [] : [
      { key: "forecast", label: "Forecast", unit: "usd" }, { key: "low", label: "At least", unit: "usd" }, { key: "high", label: "At most", unit: "usd" },
      { key: "days_left", label: "Days left", unit: "count" }, { key: "a_day", label: "A day from now", unit: "usd" }]),
  ];
  /* spent, due and where it may end, as shares of the budget */
  function option(rows, context) {
    const found = rows.filter((one) => one.budget > 0), share = (one, value) => (words.isNothing(value) ? null : (value / one.budget) * 100);
    const reach = Math.max(100, ...found.flatMap((one) => [share(one, one.spend), share(one, one.high), share(one, one.forecast)]));
    return (look) => ({
      legend: { show: false }, grid: { top: 22, right: 20 },
      xAxis: { type: "value", unit: "of the budget", min: 0, max: Math.ceil((reach * 1.02) / 25) * 25, interval: reach > 250 ? undefined : matchMedia("(max-width: 700px)").matches ? 50 : 25, axisLabel: { formatter: (value) => `${words.number(value)} %` } },
      yAxis: { type: "category", inverse: true, axisLabel: { lineHeight: 15 }, data: found.map((one) => `${one.name}\n${light(one.pacing).word}`) },
      tooltip: { trigger: "item", formatter: ({ dataIndex }) => {
        const one = found[dataIndex], money = (usd) => words.shown(context.money(usd), "usd", context.currency);
        return `${one.name}: ${money(one.spend)} of ${money(one.budget)}, due ${money(one.due)}\n${one.light}${one.days_left ? `\nforecast ${money(one.forecast)}${words.isNothing(one.low) ? "" : `, ${money(one.low)} to ${money(one.high)}`}` : ""}`;
      } },
      series: [
        { type: "bar", barWidth: 18, data: found.map((one) => ({ value: share(one, one.spend), itemStyle: { color: { success: look.good, warn: look.warn, error: look.bad }[light(one.pacing).tone], borderRadius: [0, 3, 3, 0] } })),
          label: { show: true, position: "insideLeft", color: look.card, formatter: ({ value }) => `${words.number(value)} %` },
          markLine: { symbol: "none", silent: true, label: { formatter: "budget", position: "start", color: look.muted, distance: 4 }, lineStyle: { color: look.ink, type: "solid", width: 1 }, data: [{ xAxis: 100 }] } },
        { type: "custom", silent: true, z: 5, data: found.map((one, place) => [share(one, one.due), share(one, one.low ?? one.forecast), share(one, one.high ?? one.forecast), place, one.days_left]),
          renderItem: (_, api) => {
            const at = (side) => api.coord([api.value(side), api.value(3)]), line = { stroke: look.ink, lineWidth: 1.5 };
            const tick = ([x, y], size, style = line) => ({ type: "line", shape: { x1: x, y1: y - size, x2: x, y2: y + size }, style });
            const [low, high] = [at(1), at(2)];
            const whisker = api.value(4) > 0 ? [{ type: "line", shape: { x1: low[0], y1: low[1], x2: high[0], y2: high[1] }, style: line }, tick(low, 5), tick(high, 5)] : [];
            return { type: "group", children: [tick(at(0), 12, { ...line, lineDash: [3, 2] }), ...whisker] };
          } },
      ],
    });
  }
  const NOTE = "The bar is what is spent, the broken line what is due by now, the thin line where the month may end. Within 5 % is on plan, up to 20 % is to watch, beyond is off plan. Budgets follow no filter of days.";
  /* the block of a month: platforms and their sum */
  function show(id, data, month, context) {
    const rows = month ? linesOf(data, month) : [], planned = rows.filter((one) => one.budget > 0);
    blocks.show(id, {
      height: planned.length * 42 + 56, says: month ? said(rows, month, context) : "", note: isOver(rows) ? NOTE.replace(", the thin line where the month may end", "") : NOTE,
      columns: columns(rows), rows, option: planned.length ? option(rows, context) : undefined,
      empty: "No budget is built yet: the job campaign-performance brings it.",
    }, context);
  }
  return { light, lightHtml, linesOf, row, show, isOver };
})();
