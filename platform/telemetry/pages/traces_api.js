// What both pages share: reading the API, durations, a colour per service.
"use strict";

const api = {
  // JSON of a path; shows the sign-in form when the API wants a token.
  async get(path) {
    const token = sessionStorage.getItem("bv_token");
    const headers = { Accept: "application/json" };
    if (token) headers.Authorization = "Bearer " + token;
    const answer = await fetch(path, { headers, cache: "no-store" });
    document.getElementById("sign_in").hidden = answer.status !== 401 && answer.status !== 403;
    if (answer.ok) return answer.json();
    let detail = answer.statusText;
    try {
      const problem = await answer.json();
      detail = problem.detail || problem.title || detail;
    } catch {
      // Not a problem document: the status text stays.
    }
    throw new Error(detail + " (" + answer.status + ")");
  },

  onSignIn(again) {
    document.getElementById("sign_in").addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem("bv_token", event.target.elements.token.value.trim());
      event.target.reset();
      again();
    });
  },
};

function duration(us) {
  if (us < 1000) return us + " µs";
  if (us < 1e6) return (us / 1000).toFixed(us < 1e4 ? 2 : us < 1e5 ? 1 : 0) + " ms";
  return (us / 1e6).toFixed(us < 1e7 ? 2 : 1) + " s";
}

function ago(time) {
  const s = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (s < 60) return Math.floor(s) + " s ago";
  if (s < 3600) return Math.floor(s / 60) + " min ago";
  if (s < 86400) return Math.floor(s / 3600) + " h ago";
  return new Date(time).toLocaleString();
}

// The same service has the same colour on every page: one of the twelve of the style sheet, by the hash of its name. The
// hash starts from a number that keeps this platform's own services apart.
function colour(service) {
  if (!service) return "c-none";
  let hash = 19;
  for (const char of service) hash = Math.imul(hash ^ char.codePointAt(0), 16777619) >>> 0;
  return "c" + (hash % 12);
}

// An element with classes, text and children. Text only: nothing that a span says is ever read as markup.
function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

function chip(service) {
  return element("span", "chip " + colour(service), service || "unnamed");
}
