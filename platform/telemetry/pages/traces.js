"use strict";

const form = document.getElementById("filter");
const table = document.getElementById("traces");
const statusLine = document.getElementById("status");
let longest = 1;

function query() {
  const wanted = form.elements;
  const parameters = new URLSearchParams({ page_size: "200" });
  if (wanted.name.value) parameters.set("name", wanted.name.value);
  if (wanted.service.value) parameters.set("service", wanted.service.value);
  if (wanted.min.value !== "0") parameters.set("min_duration_ms", wanted.min.value);
  if (wanted.failed.checked) parameters.set("failed", "true");
  return parameters.toString();
}

function row(trace) {
  const link = element("a", "operation", trace.name || "(no name)");
  link.href = "trace.html?id=" + trace.traceId;
  const meter = element("span", "meter " + (trace.error ? "bad" : colour(trace.service)));
  meter.style.width = Math.max(1, (100 * trace.durationUs) / longest) + "%";
  const started = element("time", "", ago(trace.startTime));
  started.dateTime = trace.startTime;
  started.title = trace.startTime;
  const line = element(
    "tr",
    trace.error ? "failed" : "",
    element("td", "", trace.error ? element("span", "badge", "error") : null, link),
    element("td", "", element("div", "chips", ...trace.services.map(chip))),
    element("td", "num", String(trace.spanCount) + (trace.droppedSpans ? " (+" + trace.droppedSpans + ")" : "")),
    element("td", "num timing", element("span", "track", meter), element("span", "", duration(trace.durationUs))),
    element("td", "", started),
  );
  line.addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLAnchorElement)) location.href = link.href;
  });
  return line;
}

function offerServices(traces) {
  const select = form.elements.service;
  const known = new Set([...select.options].map((o) => o.value));
  for (const service of [...new Set(traces.flatMap((t) => t.services))].sort()) {
    if (!known.has(service)) select.append(new Option(service, service));
  }
}

async function refresh() {
  try {
    const { traces } = await api.get("/v1/traces?" + query());
    offerServices(traces);
    longest = Math.max(1, ...traces.map((t) => t.durationUs));
    table.tBodies[0].replaceChildren(...traces.map(row));
    table.hidden = traces.length === 0;
    const failed = traces.filter((t) => t.error).length;
    statusLine.className = "status";
    statusLine.textContent = traces.length
      ? traces.length + " recent traces, " + failed + " with errors"
      : "No trace matches. Place an order with ./bv demo and look again.";
  } catch (error) {
    statusLine.className = "status error";
    statusLine.textContent = "Traces could not be read: " + error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
form.addEventListener("change", refresh);
form.elements.name.addEventListener("input", refresh);
api.onSignIn(refresh);
refresh();
setInterval(() => {
  if (form.elements.live.checked && !document.hidden) refresh();
}, 3000);
