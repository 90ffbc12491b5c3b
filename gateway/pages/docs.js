// Renders /openapi.json for reading: operations by service, parameters, bodies and answers.
const make = (tag, text, className) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
};
let api;
const resolve = (schema) => {
  let s = schema || {};
  for (let i = 0; s.$ref && i < 8; i++) s = s.$ref.slice(2).split('/').reduce((o, k) => o[k.replaceAll('~1', '/')], api);
  return s;
};
const typeName = (schema) => {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop().split('.').pop();
  if (schema.type === 'array') return typeName(schema.items) + '[]';
  return [].concat(schema.type || 'any').join(' | ') + (schema.format ? ` (${schema.format})` : '');
};
const limits = (s) => ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern']
  .filter((k) => s[k] !== undefined).map((k) => `${k} ${s[k]}`).concat(s.enum ? [s.enum.join(', ')] : []).join('; ');

function table(rows) {
  const t = make('table');
  for (const r of rows) {
    const row = t.insertRow();
    row.insertCell().append(make('code', r.name), make('span', r.required ? ' required' : '', 'bad'));
    row.insertCell().append(make('span', r.type, 'soft'));
    row.insertCell().append(make('div', r.text || ''), make('div', r.limits || '', 'soft'));
  }
  return t;
}
const properties = (schema) => {
  const s = resolve(schema);
  return Object.entries(s.properties || {}).map(([name, p]) => ({
    name, type: typeName(p), required: (s.required || []).includes(name), text: p.description, limits: limits(p),
  }));
};
function operation(verb, path, op) {
  const d = make('details', undefined, 'op');
  d.id = op.operationId;
  const s = make('summary');
  s.append(make('span', verb.toUpperCase(), 'verb ' + verb), make('code', path), make('span', op.summary || '', 'soft'));
  d.append(s);
  d.addEventListener('toggle', () => {
    if (d.dataset.drawn) return;
    d.dataset.drawn = '1';
    if (op.description && op.description !== op.summary) d.append(make('p', op.description));
    const open = op.security && (op.security.length === 0 || op.security.some((x) => Object.keys(x).length === 0));
    if (open) d.append(make('p', 'Open to all.', 'soft'));
    else if (!(op.description || '').includes('scope')) d.append(make('p', 'Needs a caller that is logged in.', 'soft'));
    const params = (op.parameters || []).map(resolve).map((p) => ({ name: p.name, type: `${p.in}, ${typeName(p.schema)}`, required: p.required, text: p.description, limits: limits(p.schema || {}) }));
    if (params.length) d.append(make('h4', 'Parameters'), table(params));
    const sent = op.requestBody && resolve(op.requestBody);
    const body = sent && Object.values(sent.content)[0].schema;
    if (body) d.append(make('h4', 'Body: ' + typeName(body)), ...(sent.description ? [make('p', sent.description)] : []), table(properties(body)));
    for (const [status, answer] of Object.entries(op.responses || {})) {
      if (!status.startsWith('2')) continue;
      const schema = resolve(answer).content?.['application/json']?.schema;
      if (schema) d.append(make('h4', `${status}: ${typeName(schema)}`), table(properties(schema)));
    }
    const problems = Object.keys(op.responses || {}).filter((c) => !c.startsWith('2'));
    if (problems.length) d.append(make('p', 'Problems: ' + problems.join(', '), 'soft'));
  });
  return d;
}
(async () => {
  api = await (await fetch('/openapi.json')).json();
  const byTag = new Map((api.tags || []).map((t) => [t.name, { text: t.description, ops: [] }]));
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const [verb, op] of Object.entries(verbs)) {
      if (!op.operationId) continue;
      const tag = (op.tags || ['other'])[0];
      if (!byTag.has(tag)) byTag.set(tag, { ops: [] });
      byTag.get(tag).ops.push(operation(verb, path, op));
    }
  }
  for (const [name, { text, ops }] of byTag) {
    if (!ops.length) continue;
    const section = make('section', undefined, 'card');
    section.id = name;
    section.append(make('h2', name), make('p', text || '', 'soft'), ...ops);
    document.getElementById('operations').append(section);
    const a = make('a', name);
    a.href = '#' + name;
    document.getElementById('index').append(a);
  }
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  if (wanted) { wanted.open = true; wanted.scrollIntoView(); }
})();
