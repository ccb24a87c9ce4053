// The page at /ui: requests the service's own API and shows the answers. It loads nothing from other hosts.

const FALLBACKS = {
  unknown_customer: (id) => `“${id}” is unknown: no purchases are stored under this id. The lists show popular products.`,
  empty_history: (id) => `“${id}” is known and has bought nothing yet. The lists show popular products.`,
  features_unavailable: () => "The online store does not answer, so the customer's purchases are missing. The lists show popular products.",
  cached_features: () => "The online store does not answer. The lists are the customer's own, from features read within the last hour.",
  stale_features: () => "The lists are the customer's own, from features that are over a week older than the version: is materialisation stuck?",
  baseline: () => "The baseline answers for this customer, because the model was evaluated as worse for such customers.",
  holdout: () => "An experiment shows this customer no recommendations, so that their effect can be measured.",
};
const SLATES = ["all", "explore"];
const MAX_WAITS = 3; // for a busy service, before the page reports it and stops
const KEY = "reach-api-key";

const $ = (selector, within = document) => within.querySelector(selector);
const state = { customer: "", shown: null, turn: 0, buying: false, version: "" };

class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// ---- asking

async function ask(path, body, maxWaits = MAX_WAITS) {
  for (let waits = 0; ; ) {
    const key = sessionStorage.getItem(KEY);
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(`../${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) })
      .catch(() => { throw new Problem(0, "The service does not answer. Is it running?"); });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    if (response.status === 401) {
      await needKey(key, answer.error);
    } else if ([429, 503].includes(response.status) && waits < maxWaits) {
      waits += 1;
      const seconds = Number(response.headers.get("Retry-After")) || 1;
      showStatus(`${answer.error} Trying again in ${seconds} s …`);
      await new Promise((done) => setTimeout(done, seconds * 1000));
    } else {
      throw new Problem(response.status, answer.error || `The service answers ${response.status}.`);
    }
  }
}

let keyAsked = null; // several questions may meet a locked door; their user is asked once

function needKey(tried, error) {
  if (sessionStorage.getItem(KEY) !== tried) return Promise.resolve(); // there is a newer key by now
  keyAsked ??= new Promise((resolve, reject) => {
    const dialog = $("#ask-key");
    const wrong = $("#key-wrong");
    wrong.hidden = !tried;
    wrong.textContent = tried ? error : "";
    $("#key").value = "";
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener("close", () => {
      keyAsked = null;
      if (dialog.returnValue !== "use") return reject(new Problem(401, "This needs an API key. Reload the page to enter one."));
      sessionStorage.setItem(KEY, $("#key").value.trim());
      $("#forget").hidden = false;
      resolve();
    }, { once: true });
  });
  return keyAsked;
}

// ---- showing

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function showStatus(text) {
  $("#status").textContent = text;
  $("#status").classList.toggle("filled", Boolean(text));
}

function failed(section, problem) {
  $(".body", section).replaceChildren(node("p", { className: "error", role: "alert" }, problem.message));
}

function moveOf(before, place) {
  if (before === undefined) return { kind: "", sign: "", words: "" };
  if (before === -1) return { kind: "new", sign: "new", words: "new on the list" };
  const by = before - place;
  if (by === 0) return { kind: "", sign: "", words: "" };
  const places = counted(Math.abs(by), "place");
  return by > 0 ? { kind: "up", sign: `▲ ${by}`, words: `up ${places}` } : { kind: "down", sign: `▼ ${-by}`, words: `down ${places}` };
}

function row(item, place, before) {
  const move = moveOf(before, place);
  const name = item.name || `Product ${item.product_id}`;
  const buy = node("button", { type: "button", tabIndex: place ? -1 : 0, ariaKeyShortcuts: "b" },
    "Bought", node("span", { className: "unseen" }, ` ${name}`));
  buy.addEventListener("click", () => bought(item, name));
  return node("li", { className: move.kind ? "moved" : "", "data-product": item.product_id },
    node("span", { className: "rank", ariaHidden: "true" }, String(place + 1)),
    node("span", { className: "name" }, name),
    move.kind ? node("span", { className: `move ${move.kind}` },
      node("span", { ariaHidden: "true" }, move.sign), node("span", { className: "unseen" }, move.words)) : null,
    node("span", { className: "score", title: "Score: comparable within this list" }, item.score.toFixed(2)),
    buy,
    node("span", { className: "why" },
      node("span", { className: "tag", title: item.category || "" }, item.source.replaceAll("_", " ")), item.reason));
}

// The list as it is now; `before`: the list it replaces, if the same customer bought something meanwhile.
function showSlate(slate, answer, before) {
  const section = $(`#${slate}`);
  const places = before && new Map(before.items.map((item, place) => [item.product_id, place]));
  const tops = new Map([...section.querySelectorAll("li")].map((li) => [li.dataset.product, li.getBoundingClientRect().top]));
  const rows = answer.items.map((item, place) => row(item, place, places && (places.get(item.product_id) ?? -1)));
  $(".body", section).replaceChildren(rows.length ? node("ol", {}, ...rows) : node("p", {}, "No product fits this list."));
  const now = new Set(answer.items.map((item) => item.product_id));
  const gone = before ? before.items.filter((item) => !now.has(item.product_id)) : [];
  const left = $(".left", section);
  left.hidden = !gone.length;
  left.textContent = gone.length ? `Left the list: ${gone.map((item) => item.name || item.product_id).join("; ")}` : "";
  if (before && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    for (const li of rows) {
      const way = tops.has(li.dataset.product) ? tops.get(li.dataset.product) - li.getBoundingClientRect().top : 0;
      if (way) li.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: 380, easing: "ease-out" });
    }
  }
  return { changed: rows.filter((li) => li.classList.contains("moved")).length + gone.length };
}

const STORE_ANSWERED = ["unknown_customer", "empty_history"];
const STORE_SILENT = ["features_unavailable", "cached_features"];
const MISSING = {
  unknown_customer: "Nothing is stored under this id.",
  empty_history: "Nothing bought yet.",
  features_unavailable: "The online store does not answer, so the history is incomplete.",
};

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function ago(number, unit = "days") {
  const whole = Math.floor(number);
  return whole === 0 ? "today" : whole === 1 ? "yesterday" : `${whole} ${unit} ago`;
}

function showHistory(history, before) {
  const section = $("#history");
  const about = $("#history-about");
  const last = history.days_since_last_basket === null ? "" : `, the last ${ago(history.days_since_last_basket)}`;
  about.textContent = `${counted(history.products, "product")} in ${counted(history.baskets, "basket")}${last}.`;
  if (history.missing) about.textContent = MISSING[history.missing];
  const counts = before && new Map(before.items.map((item) => [item.product_id, item.baskets]));
  const rows = history.items.map((item) => node("li",
    { className: counts && counts.get(item.product_id) !== item.baskets ? "moved" : "", "data-product": item.product_id },
    node("span", { className: "name" }, item.name || `Product ${item.product_id}`),
    node("span", { className: "facts-of" }, [
      item.baskets === 1 ? "once" : `${item.baskets} times`,
      item.gap_mean_days === null ? "" : `every ${Math.round(item.gap_mean_days)} d`,
      ago(item.days_since_last, "d"),
    ].filter(Boolean).join(" · "))));
  $(".body", section).replaceChildren(node("ol", {}, ...rows));
}

// ---- the profile

const percent = (share) => (share === null ? "unknown" : `${(100 * share).toFixed(0)} %`);
const figure = (value) => (value === null ? "unknown" : value.toLocaleString("en", { maximumFractionDigits: 2 }));

function predictionFacts(found) {
  const interval = `${figure(found.spend_8w_low)} to ${figure(found.spend_8w_high)}`;
  return {
    "No order within 8 weeks": percent(found.lapse_8w),
    "Order within 14 days": percent(found.order_14d),
    "Spend of the next 8 weeks": `${figure(found.spend_8w)} (80 % interval ${interval})`,
    "Due now": found.categories_due.map((due) => `${due.category} ${percent(due.probability)}`).join(" · ") || "nothing",
  };
}

function tagRow(tag) {
  const dates = tag.evidence_from ? `${tag.evidence_from} to ${tag.evidence_until}` : "";
  const heldOut = tag.held_out_measure ? `${tag.held_out_measure} ${figure(tag.held_out_value)}` : "";
  return node("tr", { "data-tag": tag.tag },
    node("th", { scope: "row" }, tag.tag.replaceAll("_", " ")),
    node("td", {}, tag.value, tag.sensitive ? node("span", { className: "tag", title: "About age, income or family" }, "sensitive") : null),
    node("td", { className: "number" }, percent(tag.confidence)),
    node("td", {}, `${counted(tag.evidence_rows, "row")} ${dates}`),
    node("td", {}, heldOut),
    node("td", {}, tag.learned_on));
}

function showProfile(profile) {
  $("#profile-about").textContent = `Scored as of ${profile.as_of} by version ${profile.model_version}.`;
  const segments = Object.fromEntries(profile.segments.map((one) => [one.axis, `${one.label}${one.since ? `, since ${one.since}` : ""}`]));
  const certificate = Object.entries(profile.evaluations.segments?.measures ?? {}).map(([name, value]) => `${name.replaceAll("_", " ")} ${figure(value)}`);
  const heads = ["Tag", "Value", "Confidence", "Evidence", "On customers held out", "Learned on"];
  $("#profile .body").replaceChildren(
    node("div", { className: "facts" },
      node("div", {}, node("h3", {}, "Predictions"), profile.predictions ? pairs(predictionFacts(profile.predictions)) : node("p", {}, "None are published.")),
      node("div", { id: "segments" }, node("h3", {}, "Segments"), profile.segments.length ? pairs(segments) : node("p", {}, "None are published."),
        certificate.length ? node("p", { className: "about" }, `Certificate: ${certificate.join(" · ")}`) : null)),
    profile.tags.length
      ? node("table", {}, node("thead", {}, node("tr", {}, ...heads.map((head) => node("th", { scope: "col" }, head)))),
        node("tbody", {}, ...profile.tags.map(tagRow)))
      : node("p", {}, "No tag holds up for this customer."));
}

// Beside the lists, which never wait for it.
async function loadProfile(customer, turn) {
  try {
    const profile = await ask("profile", { customer_id: customer }, 0);
    if (turn === state.turn) showProfile(profile);
  } catch (problem) {
    if (turn === state.turn) failed($("#profile"), problem);
  }
}

function pairs(facts) {
  return node("dl", {}, ...Object.entries(facts).flatMap(([name, value]) => [node("dt", {}, name), node("dd", {}, String(value))]));
}

async function showVersion() {
  const badge = $("#version-gate");
  try {
    const version = await ask("ui/version");
    const gate = version.gate;
    state.version = version.version;
    $("#version-name").textContent = version.version;
    badge.className = `badge ${gate.publish === undefined ? "" : gate.publish ? "yes" : "no"}`;
    badge.textContent = gate.publish === undefined ? "no gate decision"
      : gate.publish ? `gate: better than ${gate.opponent || "what served"}` : "gate: model not published";
    const reasons = (gate.reasons || []).map((reason) => node("li", {}, reason));
    const metrics = Object.fromEntries(Object.entries(version.metrics).map(([name, value]) => [name, Number(value).toFixed(4)]));
    $("#version-facts").replaceChildren(
      node("div", {}, node("h3", {}, "What the gate found"), reasons.length ? node("ul", {}, ...reasons) : node("p", {}, "No reasons are recorded.")),
      node("div", {},
        node("h3", {}, "The version"),
        pairs({ Ranker: version.ranker, "Features as of": version.as_of, Products: version.products.toLocaleString("en"),
          "Serves since": `${version.changed_at.slice(0, 16).replace("T", " ")} UTC`, Why: version.reason }),
        ...(Object.keys(metrics).length ? [node("h3", {}, "Measured on customers held out"), pairs(metrics)] : [])));
  } catch (problem) {
    $("#version-name").textContent = problem.status === 503 ? "none yet" : "unknown";
    badge.textContent = "";
    $("#version-facts").replaceChildren(node("p", { className: "error" }, problem.message));
  }
}

async function showCustomers() {
  const { customer_ids: ids } = await ask("ui/customers").catch(() => ({ customer_ids: [] }));
  $("#chips").replaceChildren(...ids.map((id) => {
    const chip = node("button", { type: "button", ariaPressed: String(id === state.customer) }, id);
    chip.addEventListener("click", () => { $("#customer").value = id; show(id); });
    return chip;
  }));
}

// ---- doing

// Both lists and the history; `purchase`: what was just bought, so that the changes are marked.
async function show(customer, purchase) {
  const turn = ++state.turn;
  const started = performance.now();
  const before = purchase ? state.shown : null;
  const k = Number($("#length").value);
  state.customer = customer;
  history.replaceState(null, "", `#${new URLSearchParams({ customer, k })}`);
  for (const chip of $("#chips").children) chip.ariaPressed = String(chip.textContent === customer);
  for (const section of document.querySelectorAll("main section")) section.setAttribute("aria-busy", "true");
  const questions = {
    // Staff look at the lists, so they are no decisions about the customer.
    all: ask("recommend", { customer_id: customer, slate: "all", k, preview: true }),
    explore: ask("recommend", { customer_id: customer, slate: "explore", k, preview: true }),
    history: ask("history", { customer_id: customer, k: 20 }),
  };
  if (!purchase) loadProfile(customer, turn);
  const shown = {};
  let changed = 0;
  const parts = Object.entries(questions).map(async ([part, question]) => {
    const section = $(`#${part}`);
    try {
      const answer = await question;
      if (turn !== state.turn) return;
      shown[part] = answer;
      if (part === "history") showHistory(answer, before?.history);
      else changed += showSlate(part, answer, before?.[part]).changed;
    } catch (problem) {
      if (turn === state.turn) failed(section, problem);
    } finally {
      if (turn === state.turn) section.removeAttribute("aria-busy");
    }
  });
  await Promise.all(parts);
  if (turn !== state.turn) return;
  state.shown = shown;
  const answers = SLATES.map((slate) => shown[slate]).filter(Boolean);
  const reasons = [...answers.map((answer) => answer.fallback), shown.history?.missing].filter(Boolean);
  // Each part is read on its own. A read that the store answered tells more than one that timed out.
  const answered = reasons.find((reason) => STORE_ANSWERED.includes(reason));
  const fallback = answered ?? answers.map((answer) => answer.fallback).find(Boolean);
  if (answered && shown.history?.missing) $("#history-about").textContent = MISSING[answered];
  $("#notice").hidden = !fallback;
  $("#notice").replaceChildren(node("span", {}, fallback ? FALLBACKS[fallback]?.(customer) ?? `The list is not the model's: ${fallback}.` : ""));
  if (answers.some((answer) => answer.model_version !== state.version)) showVersion();
  if (!answers.length) return showStatus("");
  const waited = Math.round(performance.now() - (purchase?.at ?? started));
  if (!purchase) return showStatus(`Customer ${customer}: both lists in ${waited} ms.`);
  const isHidden = !changed && reasons.some((reason) => STORE_SILENT.includes(reason));
  const what = changed ? `${counted(changed, "change")} in the lists`
    : isHidden ? "the purchase is stored, but not shown yet, because the online store does not answer"
    : "the lists stay as they are";
  showStatus(`Bought ${purchase.name}: ${what}, ${waited} ms after the press.`);
}

async function bought(item, name) {
  if (state.buying) return;
  state.buying = true;
  const at = performance.now();
  const [slate, place] = placeOf(document.activeElement);
  try {
    const random = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is missing where there is no TLS
    const event = {
      event_id: `ui-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`,
      customer_id: state.customer, product_id: item.product_id, event_type: "purchase",
      occurred_at: new Date().toISOString(),
    };
    await ask("events", { events: [event] });
    await show(state.customer, { name, at });
    if (slate) focusRow(slate, place, item.product_id);
  } catch (problem) {
    showStatus(`Not recorded: ${problem.message}`);
  } finally {
    state.buying = false;
  }
}

// ---- keys

const buttonsOf = (slate) => [...document.querySelectorAll(`#${slate} li button`)];

function placeOf(element) {
  for (const slate of SLATES) {
    const place = buttonsOf(slate).indexOf(element);
    if (place >= 0) return [slate, place];
  }
  return [null, -1];
}

function focusRow(slate, place, product) {
  const buttons = buttonsOf(slate);
  const button = buttons.find((one) => one.closest("li").dataset.product === product) ?? buttons[Math.min(place, buttons.length - 1)];
  if (!button) return;
  for (const one of buttons) one.tabIndex = one === button ? 0 : -1; // one stop of the Tab key a list
  button.focus();
  button.closest("li").scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("#ask-key").open) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const [slate, place] = placeOf(event.target);
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const others = { ArrowLeft: "all", ArrowRight: "explore" };
  if (event.key === "/") { $("#customer").focus(); $("#customer").select(); }
  else if (event.key === "v") $("#version").open = !$("#version").open;
  else if (event.key === "b" && slate && !event.repeat) event.target.click();
  else if (event.key in steps && slate) focusRow(slate, Math.max(place + steps[event.key], 0));
  else if (event.key === "ArrowDown" && event.target === document.body && buttonsOf("all").length) focusRow("all", 0);
  else if (event.key in others && slate) focusRow(others[event.key], place);
  else return;
  event.preventDefault();
});

$("#pick").addEventListener("submit", async (event) => {
  event.preventDefault();
  document.activeElement.blur(); // who goes on typing while the lists come is not interrupted
  await show($("#customer").value.trim());
  if (document.activeElement === document.body) focusRow("all", 0);
});
$("#length").addEventListener("change", () => state.customer && show(state.customer));
$("#ask-key form").addEventListener("submit", (event) => {
  event.preventDefault();
  $("#ask-key").close("use");
});
$("#key-cancel").addEventListener("click", () => $("#ask-key").close(""));
$("#forget").addEventListener("click", () => { sessionStorage.removeItem(KEY); location.reload(); });
window.addEventListener("hashchange", fromAddress);

// An address such as /ui/#customer=1250&k=20 can be kept; what follows # is not sent to the service.
function fromAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const k = wanted.get("k");
  if ([...$("#length").options].some((option) => option.value === k)) $("#length").value = k;
  const customer = wanted.get("customer");
  if (!customer) return;
  $("#customer").value = customer;
  show(customer);
}

$("#forget").hidden = !sessionStorage.getItem(KEY);
showVersion();
showCustomers();
fromAddress();
if (!$("#customer").value) $("#customer").focus();
