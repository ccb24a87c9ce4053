// The page at /: describes the API from the service's own OpenAPI document and sends requests. It asks no other host.

const KEY = "reach-api-key"; // the page at /ui/ uses the same one; it is kept until the tab is closed

const $ = (selector, within = document) => within.querySelector(selector);

function node(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function authorization() {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

// ---- reading the document

const named = (document, schema) =>
  schema?.$ref ? document.components.schemas[schema.$ref.split("/").pop()] : schema?.allOf?.length === 1 ? named(document, schema.allOf[0]) : schema;

function kind(document, schema) {
  const found = named(document, schema) ?? {};
  if (found.enum) return found.enum.map((value) => JSON.stringify(value)).join(", ");
  const either = found.anyOf ?? found.oneOf;
  const words = either
    ? [...new Set(either.map((one) => kind(document, one)))].join(" or ")
    : found.type === "array" ? `list of ${kind(document, found.items)}` : found.type ?? "anything";
  return found.nullable && !words.includes("null") ? `${words} or null` : words;
}

function fields(document, schema, before = "") {
  const found = named(document, schema) ?? {};
  return Object.entries(found.properties ?? {}).flatMap(([name, field]) => {
    const own = named(document, field);
    const inner = own.type === "array" ? named(document, own.items) : own;
    const required = (found.required ?? []).includes(name);
    const standard = field.default === undefined ? "" : JSON.stringify(field.default);
    const row = { name: before + name, kind: kind(document, field), required, standard, words: field.description ?? own.description ?? "" };
    const below = inner?.properties ? fields(document, inner, `${before}${name}${own.type === "array" ? "[]" : ""}.`) : [];
    return [row, ...below];
  });
}

// ---- showing it

// Descriptions are Markdown, of which they use the code between backticks.
const prose = (text) => text.split(/`([^`]+)`/).map((part, place) => (place % 2 ? node("code", {}, part) : part));

function table(head, rows) {
  return node("div", { className: "wide" }, node("table", {},
    node("thead", {}, node("tr", {}, ...head.map((word) => node("th", { scope: "col" }, word)))),
    node("tbody", {}, ...rows.map((cells) => node("tr", {}, ...cells.map((cell) => node("td", {}, ...(typeof cell === "string" ? prose(cell) : [cell]))))))));
}

function described(document, operation) {
  const content = operation.requestBody?.content["application/json"];
  const answer = operation.responses["200"]?.content?.["application/json"]?.schema;
  const parts = [operation.description ? node("p", {}, ...prose(operation.description)) : null];
  if (content) {
    const rows = fields(document, content.schema).map((field) =>
      [node("code", {}, field.name), field.kind, field.required ? "required" : field.standard, field.words]);
    parts.push(node("h3", {}, "Fields"), table(["field", "what", "default", ""], rows));
  }
  const answered = fields(document, answer).map((field) => [node("code", {}, field.name), field.kind, field.words]);
  if (answered.length) parts.push(node("h3", {}, "Answer"), table(["field", "what", ""], answered));
  const errors = Object.entries(operation.responses).filter(([status]) => status >= "400");
  if (errors.length) parts.push(node("h3", {}, "Errors"), table(["status", "when"], errors.map(([status, one]) => [status, one.description])));
  return parts;
}

async function send(path, method, body, shown) {
  const started = performance.now();
  const headers = { ...authorization(), ...(body === null ? {} : { "Content-Type": "application/json" }) };
  const status = $(".status", shown);
  try {
    const response = await fetch(path, { method, headers, body });
    const text = await response.text();
    status.textContent = `${response.status} ${response.statusText}, ${Math.round(performance.now() - started)} ms`;
    status.classList.toggle("bad", !response.ok);
    let pretty = text;
    try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    $("pre", shown).textContent = pretty;
    $("pre", shown).hidden = false;
    if (response.status === 401) $("#key").focus();
  } catch {
    status.textContent = "The service does not answer. Is it running?";
    status.classList.add("bad");
  }
}

function tried(path, method, example) {
  const body = example === undefined ? null
    : node("textarea", { value: JSON.stringify(example, null, 2), ariaLabel: `Body of ${method} ${path}`, spellcheck: false });
  const shown = node("div", {}, node("p", { className: "status", role: "status" }), node("pre", { hidden: true, tabIndex: 0 }));
  const button = node("button", { type: "button", className: "primary", ariaLabel: `Send ${method} ${path}` }, "Send");
  button.addEventListener("click", () => send(path, method, body && body.value, shown));
  return [body, node("p", {}, button), shown];
}

function operations(document) {
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));
  const rank = ({ path, method }) => (path === "/recommend" ? 0 : method === "POST" ? 1 : 2);
  found.sort((a, b) => rank(a) - rank(b));
  return found.map(({ path, method, operation }) => {
    const example = operation.requestBody?.content["application/json"].example;
    const inside = node("div", { className: "inside" }, ...described(document, operation), ...tried(path, method, example));
    return node("details", { className: "operation", id: `${method}${path}` },
      node("summary", {}, node("span", { className: "method" }, method), node("code", {}, path), node("span", {}, ...prose(operation.summary))), inside);
  });
}

async function start() {
  $("#key").value = sessionStorage.getItem(KEY) ?? "";
  $("#use-key").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = $("#key").value.trim();
    if (key) sessionStorage.setItem(KEY, key); else sessionStorage.removeItem(KEY);
    $("#status").textContent = key ? "The key is used for what you send, until this tab is closed." : "No key is used.";
  });
  const response = await fetch("/docs.json").catch(() => null);
  if (!response?.ok) {
    $("#status").textContent = "The service does not answer. Is it running?";
    return;
  }
  const description = await response.json();
  const { description: about, version } = description.info;
  const from = version === "unreleased" ? "The service runs from its source, not as a Bento." : `Version ${version}.`;
  $("#about").replaceChildren(...prose(`${about} ${from}`));
  $("#operations").replaceChildren(...operations(description));
  $("details").open = true;
}

start();
