/* Numbers and days as people read them; `words.py` writes the same for readers without scripts. */
"use strict";
const words = (() => {
  const DASH = "–", MINUS = "−", STEADY = 0.0005;
  /* decimals of amounts below 100 (ISO 4217), where it is not two; `words.py` has the same */
  const DECIMALS = {
    BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
    BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
  };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function number(value, decimals = 0) {
    const factor = 10 ** decimals;
    const rounded = Math.floor(Math.abs(value) * factor + 0.5) / factor;
    const text = rounded.toFixed(decimals).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
    return value >= 0 || rounded === 0 ? text : MINUS + text;
  }
  const isNothing = (value) => value === null || value === undefined || Number.isNaN(value);

  function shown(value, unit, currency) {
    if (isNothing(value)) return DASH;
    if (unit === "usd") return `${number(value, Math.abs(value) >= 100 ? 0 : DECIMALS[currency] ?? 2)} ${currency}`;
    if (unit === "share") return `${number(value * 100, 1)} %`;
    if (unit === "ratio") return number(value, 2);
    return unit === "text" ? String(value) : number(value);
  }
  const change = (now, before) => (isNothing(now) || !before ? null : (now - before) / Math.abs(before));
  function changeWords(share) {
    if (isNothing(share)) return DASH;
    if (Math.abs(share) < STEADY) return "→ 0.0 %";
    return `${share > 0 ? "↑ +" : `↓ ${MINUS}`}${number(Math.abs(share) * 100, 1)} %`;
  }
  function tone(share, better) {
    if (isNothing(share) || Math.abs(share) < STEADY || better === "neither") return "even";
    return (share > 0) === (better === "up") ? "good" : "bad";
  }
  const signed = (value, currency) => `${value >= 0 ? "+" : MINUS}${number(Math.abs(value))} ${currency}`;

  const parts = (day) => day.split("-").map(Number);
  function dayWords(day) {
    const [year, month, date] = parts(day);
    return `${date} ${MONTHS[month - 1]} ${year}`;
  }
  function rangeWords(first, last) {
    if (first === last) return dayWords(last);
    const [year, month, date] = parts(first);
    return year === parts(last)[0] ? `${date} ${MONTHS[month - 1]} to ${dayWords(last)}` : `${dayWords(first)} to ${dayWords(last)}`;
  }
  const monthWords = (month) => `${MONTHS[parts(month)[1] - 1]} ${parts(month)[0]}`;
  function modelWords(model) {
    const text = model.replaceAll("_", " ").replace("j shaped", "J-shaped");
    return text[0].toUpperCase() + text.slice(1);
  }
  const PLATFORMS = { linkedin: "LinkedIn", tiktok: "TikTok", hubspot: "HubSpot", sendgrid: "SendGrid", ga4: "GA4" };
  const platformWords = (platform) => platform.split("_").map((part) => PLATFORMS[part] || part[0].toUpperCase() + part.slice(1)).join(" ");
  /* a number, its unit and its arrow stay on one line */
  const tied = (text) => (text || "").replace(/(\d) (%|[A-Z]{3}\b)/g, "$1\u00a0$2").replace(/([↑↓→]) (?=[+−\d])/g, "$1\u00a0");
  const listed = (texts) => (texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`);
  const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
  /* text of data is never read as HTML */
  const escape = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

  return { DASH, number, shown, change, changeWords, tone, signed, dayWords, rangeWords, monthWords, modelWords, platformWords, listed, plural, tied, escape, isNothing };
})();
