/* A matrix of coloured cells with their numbers in them: colour is never the only sign. */
"use strict";
const heat = (() => {
  const NARROW = 19, SMALL = 34, LABELS = 112;
  const parts = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const hex = (color) => (color.length === 4 ? `#${[...color.slice(1)].map((sign) => sign + sign).join("")}` : color);
  function mixed(from, to, share) {
    const [a, b] = [from, to].map((color) => parts(hex(color)));
    return `#${a.map((part, place) => Math.round(part + (b[place] - part) * share).toString(16).padStart(2, "0")).join("")}`;
  }
  function light(color) {
    const [r, g, b] = parts(hex(color)).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  /* seven steps; the middle ones, on which no ink is read well, are left out */
  const STEPS = [0.05, 0.12, 0.19, 0.26, 0.33, 0.8, 1];
  function paint(look, share) {
    const fill = mixed(look.card, look.colors[0], STEPS[Math.min(STEPS.length - 1, Math.floor(share * STEPS.length))]);
    return { fill, ink: contrast(fill, look.ink) >= contrast(fill, look.card) ? look.ink : look.card };
  }
  const widthOf = (id) => (document.querySelector(`[data-block="${id}"] [data-chart]`)?.clientWidth || 900) - LABELS - 12;
  /* how many columns there is room for */
  const room = (id, width) => Math.max(3, Math.floor(widthOf(id) / width));

  /* cells: {x, y, value, text, is_outlined, is_blank}; columns and rows: texts */
  function option(look, { id, columns, rows, cells, name, most }) {
    const highest = most || Math.max(1e-9, ...cells.filter(({ is_blank: isBlank }) => !isBlank).map(({ value }) => value));
    const isTight = Math.max(...columns.map((text) => text.length)) * 7 > widthOf(id) / Math.max(1, columns.length);
    return {
      legend: { show: false }, grid: { top: isTight ? 4 : 26, left: 4, right: 8, bottom: 4 },
      xAxis: { type: "category", position: "top", data: columns, axisLine: { show: false }, axisLabel: { interval: 0, hideOverlap: false, rotate: isTight ? 50 : 0 } },
      yAxis: { type: "category", inverse: true, data: rows, axisLine: { show: false }, axisLabel: { width: LABELS, overflow: "truncate" } },
      tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => name(cells[place]) },
      series: [{
        type: "custom", data: cells.map(({ x, y, value }) => [x, y, value]), encode: { x: 0, y: 1 },
        renderItem: ({ dataIndex: place }, api) => {
          const cell = cells[place], [x, y] = api.coord([cell.x, cell.y]), [width, height] = api.size([1, 1]);
          const { fill, ink } = cell.is_blank ? { fill: "transparent", ink: look.muted } : paint(look, Math.min(0.999, Math.max(0, cell.value / highest)));
          const shape = { x: x - width / 2 + 1, y: y - height / 2 + 1, width: Math.max(1, width - 2), height: Math.max(1, height - 2), r: 3 };
          return {
            type: "rect", shape, style: { fill, stroke: cell.is_outlined ? look.ink : cell.is_blank ? look.line : "transparent", lineWidth: cell.is_outlined ? 2 : 1 },
            textConfig: { position: "inside" }, textContent: { style: { text: width >= NARROW ? cell.text : "", fill: ink, fontSize: width >= SMALL ? 12 : 10 } },
          };
        },
      }],
    };
  }

  return { option, room, paint };
})();
