// The start page: reads /v1/platform/overview every two seconds while it is looked at.
const byId = (id) => document.getElementById(id);
const cell = (row, text, className) => {
  const td = row.insertCell();
  td.textContent = text ?? '';
  if (className) td.className = className;
  return td;
};
const link = (td, href, text) => {
  const a = document.createElement('a');
  a.href = href;
  a.textContent = text;
  td.textContent = '';
  td.append(a);
};
const fill = (id, items, draw, empty) => {
  const body = byId(id).tBodies[0];
  body.replaceChildren();
  for (const item of items) draw(body.insertRow(), item);
  if (items.length === 0 && empty) {
    const td = cell(body.insertRow(), empty, 'soft');
    td.colSpan = 9;
  }
};
const money = (m) => {
  if (!m) return '';
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency: m.currency }).resolvedOptions().maximumFractionDigits;
  return (Number(m.minorUnits || 0) / 10 ** digits).toFixed(digits) + ' ' + m.currency;
};
const time = (t) => t ? new Date(t).toLocaleTimeString() : '';
const words = (s, prefix) => (s || '').replace(prefix, '').replaceAll('_', ' ').toLowerCase();
// What this page and its siblings ask for themselves says nothing about the platform.
const ownTraffic = (name) => !name.includes(' /v1/') || /\/v1\/(traces|platform)/.test(name);
const colour = { confirmed: 'good', cancelled: 'bad', returned: 'warn' };

function drawStatus(s) {
  byId('health').textContent = s.ready ? 'ready' : 'not ready';
  byId('health').className = s.ready ? 'good' : 'bad';
  fill('modules', s.modules || [], (row, m) => {
    cell(row, m.name);
    cell(row, m.ready ? 'ready' : m.reason, m.ready ? 'good n' : 'bad n');
  });
  byId('process').textContent = `${Math.round(Number(s.residentBytes || 0) / 1048576)} MB in this process, ${s.httpConnections || 0} connections, since ${time(s.startTime)}`;
  fill('groups', s.groups || [], (row, g) => {
    cell(row, g.group, 'nowrap');
    cell(row, g.source, 'soft');
    cell(row, g.position || '0', 'n');
    cell(row, g.lag || '0', Number(g.lag) > 0 ? 'n warn' : 'n');
    cell(row, g.deadLetters || '0', Number(g.deadLetters) > 0 ? 'n bad' : 'n');
  });
}

async function refresh() {
  try {
    const overview = await (await fetch('/v1/platform/overview')).json();
    drawStatus(overview.status);
    fill('orders', overview.orders || [], (row, o) => {
      cell(row, o.id, 'mono');
      const status = words(o.status, 'ORDER_STATUS_');
      const tag = document.createElement('span');
      tag.className = 'tag ' + (colour[status] || 'soft');
      tag.textContent = status;
      cell(row, '').append(tag);
      cell(row, money(o.total), 'n');
      cell(row, time(o.createTime), 'nowrap');
      cell(row, words(o.cancelReason, 'CANCEL_REASON_'), 'soft');
    }, 'none yet: ./bv demo places some');
    const traces = await (await fetch('/v1/traces?page_size=200')).json();
    fill('traces', (traces.traces || []).filter((t) => !ownTraffic(t.name)).slice(0, 12), (row, t) => {
      link(cell(row, ''), '/traces/trace.html?id=' + t.traceId, t.name);
      cell(row, (t.services || []).join(' → '), 'soft');
      cell(row, t.spanCount, 'n');
      cell(row, (t.durationUs / 1000).toFixed(1) + ' ms', t.error ? 'n bad' : 'n');
      cell(row, time(t.startTime), 'nowrap');
    }, 'none yet');
  } catch (e) {
    byId('health').textContent = 'not reachable';
    byId('health').className = 'bad';
  }
}
for (const e of document.querySelectorAll('.origin')) e.textContent = location.origin;
refresh();
setInterval(() => document.hidden || refresh(), 2000);
