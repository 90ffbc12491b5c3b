"use strict";

const traceId = new URLSearchParams(location.search).get("id") || "";
const statusLine = document.getElementById("status");
const list = document.getElementById("waterfall");
const folded = new Set(); // ids of spans whose subtree is hidden
let current = null; // the trace shown
let opened = null; // id of the span whose attributes are shown

function fact(name, value) {
  return [element("dt", "", name), element("dd", "", value)];
}

function showFacts(trace) {
  document.getElementById("trace_id").textContent = trace.traceId;
  document.getElementById("name").replaceChildren(trace.error ? element("span", "badge", "error") : "", trace.name || "(no name)");
  document.title = trace.name + " · " + duration(trace.durationUs) + " · BitVelocity";
  document.getElementById("facts").replaceChildren(
    ...fact("Duration", duration(trace.durationUs)),
    ...fact("Started", new Date(trace.startTime).toLocaleString()),
    ...fact("Spans", trace.spanCount + (trace.droppedSpans ? " (" + trace.droppedSpans + " more not kept)" : "")),
    ...fact("Services", String(trace.services.length)),
    ...fact("Errors", String(trace.spans.filter((s) => s.error).length)),
  );
}

// Time each service spent itself, children taken off: what the legend shows and is sorted by.
function showLegend(trace) {
  const own = new Map(trace.spans.map((s) => [s.spanId, s.durationUs]));
  for (const s of trace.spans) {
    if (own.has(s.parentSpanId)) own.set(s.parentSpanId, own.get(s.parentSpanId) - s.durationUs);
  }
  const byService = new Map();
  for (const s of trace.spans) byService.set(s.service, (byService.get(s.service) || 0) + Math.max(0, own.get(s.spanId)));
  const sorted = [...byService].sort((a, b) => b[1] - a[1]);
  document
    .getElementById("legend")
    .replaceChildren(...sorted.map(([service, us]) => element("li", "", chip(service), element("span", "dim", duration(us)))));
}

function showAxis(trace) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const tick = element("span", "tick" + (part === 1 ? " last" : ""), duration(Math.round(trace.durationUs * part)));
    tick.style.left = part * 100 + "%";
    return tick;
  });
  document.getElementById("axis").replaceChildren(...ticks);
}

function details(span) {
  const rows = [
    ["service", span.service || "unnamed"],
    ["kind", span.kind],
    ["start", "+" + duration(span.offsetUs) + " · " + span.startTime],
    ["duration", duration(span.durationUs)],
    ["span id", span.spanId],
  ];
  if (span.statusMessage) rows.unshift(["error", span.statusMessage]);
  for (const [key, value] of Object.entries(span.attributes)) rows.push([key, String(value)]);
  if (span.dropped) rows.push(["not kept", span.dropped + " attributes or links"]);
  const body = element("dl", "attributes");
  for (const [key, value] of rows) body.append(element("dt", "", key), element("dd", key === "error" ? "error" : "", value));
  for (const link of span.links) {
    const anchor = element("a", "", link.traceId);
    anchor.href = "trace.html?id=" + link.traceId;
    body.append(element("dt", "", "linked trace"), element("dd", "", anchor));
  }
  return element("div", "details", body);
}

function rowOf(span, trace, hasChildren) {
  const fold = element("button", "fold", hasChildren ? (folded.has(span.spanId) ? "▸" : "▾") : "");
  fold.type = "button";
  fold.disabled = !hasChildren;
  fold.tabIndex = -1;
  fold.setAttribute("aria-label", folded.has(span.spanId) ? "Unfold" : "Fold");
  fold.addEventListener("click", (event) => {
    event.stopPropagation();
    toggleFold(span.spanId);
  });
  const label = element("div", "label", fold, element("span", "dot " + colour(span.service)), element("span", "op", span.name));
  label.style.paddingLeft = Math.min(span.depth, 16) * 14 + 4 + "px";
  label.title = span.name + " — " + (span.service || "unnamed");

  const total = Math.max(1, trace.durationUs);
  const bar = element("div", "span_bar " + (span.error ? "bad" : colour(span.service)));
  const left = (100 * span.offsetUs) / total;
  const width = Math.max(0.15, (100 * span.durationUs) / total);
  bar.style.left = Math.min(left, 99.8) + "%";
  bar.style.width = Math.min(width, 100 - Math.min(left, 99.8)) + "%";
  const time = element("span", "time", duration(span.durationUs));
  if (left + width < 80) time.style.left = "calc(" + (left + width) + "% + 6px)";
  else time.style.right = "calc(" + (100 - left) + "% + 6px)";

  const line = element("div", "row" + (span.error ? " failed" : ""), label, element("div", "lane", bar, time));
  line.setAttribute("role", "row");
  line.setAttribute("aria-level", String(span.depth + 1));
  line.setAttribute("aria-expanded", String(opened === span.spanId));
  line.tabIndex = 0;
  line.dataset.id = span.spanId;
  line.dataset.text = (span.name + " " + span.service + " " + Object.values(span.attributes).join(" ")).toLowerCase();
  line.addEventListener("click", () => toggleDetails(span.spanId));
  line.addEventListener("keydown", onKey);
  return line;
}

function render() {
  const rows = [];
  let hiddenBelow = Infinity;
  current.spans.forEach((span, i) => {
    if (span.depth > hiddenBelow) return;
    hiddenBelow = folded.has(span.spanId) ? span.depth : Infinity;
    const next = current.spans[i + 1];
    rows.push(rowOf(span, current, next !== undefined && next.depth > span.depth));
    if (opened === span.spanId) rows.push(details(span));
  });
  list.replaceChildren(list.firstElementChild, ...rows);
  highlight();
}

function focusRow(id) {
  const line = list.querySelector('.row[data-id="' + id + '"]');
  if (line) line.focus({ preventScroll: true });
}

function toggleDetails(id) {
  opened = opened === id ? null : id;
  render();
  focusRow(id);
}

function toggleFold(id) {
  if (!folded.delete(id)) folded.add(id);
  render();
  focusRow(id);
}

function onKey(event) {
  const rows = [...list.querySelectorAll(".row[data-id]")];
  const at = rows.indexOf(event.currentTarget);
  const id = event.currentTarget.dataset.id;
  if (event.key === "ArrowDown" && rows[at + 1]) rows[at + 1].focus();
  else if (event.key === "ArrowUp" && rows[at - 1]) rows[at - 1].focus();
  else if (event.key === "Enter" || event.key === " ") toggleDetails(id);
  else if ((event.key === "ArrowLeft" && !folded.has(id)) || (event.key === "ArrowRight" && folded.has(id))) toggleFold(id);
  else return;
  event.preventDefault();
}

function highlight() {
  const wanted = document.getElementById("find").elements.text.value.trim().toLowerCase();
  for (const line of list.querySelectorAll(".row[data-id]")) {
    line.classList.toggle("faded", wanted !== "" && !line.dataset.text.includes(wanted));
  }
}

async function load() {
  if (!/^[0-9a-f]{32}$/.test(traceId)) {
    statusLine.className = "status error";
    statusLine.textContent = "The address names no trace: it ends in ?id= and 32 hexadecimal digits.";
    return;
  }
  try {
    current = await api.get("/v1/traces/" + traceId);
    statusLine.hidden = true;
    document.getElementById("trace").hidden = false;
    showFacts(current);
    showLegend(current);
    showAxis(current);
    render();
  } catch (error) {
    statusLine.hidden = false;
    statusLine.className = "status error";
    statusLine.textContent = "The trace could not be read: " + error.message;
  }
}

document.getElementById("find").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("find").elements.text.addEventListener("input", highlight);
document.getElementById("reload").addEventListener("click", load);
api.onSignIn(load);
load();
