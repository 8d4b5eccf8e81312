/* Measures and metrics over a range of days: what `sql/definitions` says, from lists by day. */
"use strict";
const measures = (() => {
  const types = (customers) => (customers === "all" ? ["first_order", "repeat_order"] : [customers]);
  function total(list, [from, to]) {
    let sum = 0;
    if (list) for (let day = from; day <= to; day += 1) sum += list[day];
    return sum;
  }
  const some = (value) => value || null;

  /* `credit` is the file of the chosen model, window and kind of day */
  const known = {
    spend_usd: ({ data, range }) => some(Object.values(data.spend).reduce((sum, list) => sum + total(list, range), 0) / 100),
    claimed_value_usd: ({ data, range }) => some(Object.values(data.claimed).reduce((sum, list) => sum + total(list, range), 0) / 100),
    revenue_usd: ({ data, range, customers }) => types(customers).reduce((sum, type) => sum + total(data.revenue[type], range), 0) / 100,
    orders: ({ data, range, customers }) => types(customers).reduce((sum, type) => sum + total(data.orders[type], range), 0),
    new_customers: ({ data, range, customers }) => (customers === "repeat_order" ? 0 : total(data.orders.first_order, range)),
    attributed_revenue_usd: ({ data, range, customers, credit }) =>
      data.channels.filter((channel) => channel.is_paid).reduce((sum, { key }) => sum + ofChannel(credit.with_spend, key, range, customers), 0) / 100,
    value_usd: ({ data, range }) => some(months(data, range).reduce((sum, month) => sum + month.value, 0) / 100),
    valued_customers: ({ data, range }) => some(months(data, range).reduce((sum, month) => sum + month.customers, 0)),
  };
  function months(data, [from, to]) {
    const first = report.monthOf(from), last = report.monthOf(to);
    return Object.entries(data.value).filter(([month]) => month >= first && month <= last).map(([, value]) => value);
  }
  const ofChannel = (lists, channel, range, customers) =>
    types(customers).reduce((sum, type) => sum + total(lists[channel]?.[type], range), 0);

  function formula(parts, asked) {
    if (typeof parts === "string") return known[parts](asked);
    const above = formula(parts[1], asked), below = formula(parts[2], asked);
    return above === null || !below ? null : above / below;
  }
  /* the number in USD, or null where nothing is known */
  function value(metric, context, credit, range = context.range) {
    return range && formula(metric.formula, { data: context.data, customers: context.state.customers, range, credit });
  }
  /* the plan of the same days; null where a month has none, or for a part of the customers */
  function target(metric, { data, state }, [from, to]) {
    const plan = data.plans[metric.target];
    if (!plan || state.customers !== "all") return null;
    let sum = 0;
    for (let day = from; day <= to; day += 1) {
      const month = report.monthOf(day);
      if (!(month in plan)) return null;
      const [year, number] = month.split("-").map(Number);
      sum += typeof metric.formula === "string" ? plan[month] / new Date(Date.UTC(year, number, 0)).getUTCDate() : plan[month];
    }
    return typeof metric.formula === "string" ? sum : sum / (to - from + 1);
  }
  const creditName = ({ model, window, day }) => `credit-${model}-${window}-${day}`;
  /* the default one comes with the page */
  function loadCredit(state, data, model = state.model) {
    const usual = data.credit;
    const isUsual = usual.model === model && String(usual.window) === state.window && usual.day === state.day;
    return isUsual ? Promise.resolve(usual) : report.load(creditName({ ...state, model }));
  }
  const metric = (data, name) => data.metrics.find((one) => one.name === name);

  /* visits by the furthest step, which are also those that passed the earlier ones */
  const STAGES = { sessions: "Visits", product_view: "Product seen", add_to_cart: "In the cart", checkout: "Checkout", purchase: "Order" };
  function funnel(stages, range, spend) {
    const visits = Object.keys(STAGES).map((stage) => total(stages?.[stage], range));
    return Object.entries(STAGES).map(([stage, label], place) => ({
      stage, label, visits: visits[place], of_before: place && visits[place - 1] ? visits[place] / visits[place - 1] : null,
      of_all: visits[0] ? visits[place] / visits[0] : null, cost: spend && visits[place] ? spend / visits[place] : null,
    }));
  }
  /* bars of a funnel, widest first; `before` is the same of other days */
  function funnelOption(rows, look) {
    return {
      legend: { show: false }, grid: { top: 4, right: 84 },
      xAxis: { type: "value", show: false, max: Math.max(1, rows[0].visits) },
      yAxis: { type: "category", inverse: true, data: rows.map(({ label }) => label), axisLine: { show: false } },
      tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${rows[place].label}: ${words.number(rows[place].visits)}, ${words.shown(rows[place].of_all, "share")} of all visits` },
      series: [{
        type: "bar", barWidth: "72%", itemStyle: { color: look.colors[0], borderRadius: [0, 3, 3, 0] }, showBackground: true, backgroundStyle: { color: look.soft }, data: rows.map(({ visits }) => visits),
        label: { show: true, position: "right", color: look.ink, formatter: ({ dataIndex: place }) => `${words.number(rows[place].visits)}${rows[place].of_before === null ? "" : ` · ${words.shown(rows[place].of_before, "share")}`}` },
      }],
    };
  }

  return { STAGES, funnel, funnelOption, value, target, total, types, ofChannel, loadCredit, metric };
})();
