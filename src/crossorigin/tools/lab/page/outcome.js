// What happened, in three cards, with the verdict above them and what to change below.
import { setup } from "./setup.js";
import { byId, element } from "./dom.js";
import { showDiagram } from "./diagram.js";

const TITLE = byId("outcome-title").textContent;

// What is shown is no longer of the policy and the request above it.
export function showEarlier() {
    if (byId("verdict").matches(".verdict")) byId("outcome-title").textContent = `${TITLE}, before the last change`;
}

export function showWaiting() {
    byId("outcome-title").textContent = TITLE;
    byId("verdict").className = "hint";
    byId("verdict").textContent = "Fetching…";
}

export function showFailure(error) {
    clear();
    say("bad", `The lab could not do it: ${error.message}`);
}

export function showNotBuilt(reading) {
    clear();
    say("refused", reading.held
        || "The policy cannot be built: it stops an application at its start, before any browser asks.");
    byId("cards").replaceChildren(...reading.problems.map((problem) => element("article", { class: "card wide" },
        element("h3", {}, problem.where), element("p", {}, problem.message))));
}

export function showPlay(state, request, played) {
    clear();
    const [one] = played.plays;
    const blocked = "error" in one.outcome;
    if (one.disagreements.length > 0) {
        say("bad", `They do not agree. ${one.disagreements.map((why) => `${why}.`).join(" ")}`);
    } else if (one.refused) {
        say("refused", "The server refused the request before the policy was asked: it does not take such a request.");
    } else if (blocked) {
        say("refused", `All three agree: blocked, because ${reasonOf(one)}.`);
    } else {
        say("good", `All three agree: the page gets the response, status ${one.outcome.status}.`);
    }
    byId("script").hidden = false;
    byId("script").textContent = scriptOf(one.url, request);
    byId("cards").replaceChildren(declared(one), predicted(one, played.engine), done(one));
    byId("advice").replaceChildren(...advice(one));
    const label = setup.stacks.find((stack) => stack.key === state.stack).label;
    showDiagram({ origin: setup.pages[state.page], stack: label, address: new URL(one.url).origin, request, play: one,
        reason: blocked ? reasonOf(one) : "" });
}

function clear() {
    byId("cards").replaceChildren();
    byId("advice").replaceChildren();
    byId("script").hidden = true;
    byId("diagram").hidden = true;
}

function say(kind, sentence) {
    byId("verdict").className = `verdict ${kind}`;
    byId("verdict").textContent = sentence;
}

function reasonOf(one) {
    return one.message.replace(/^.* is blocked: /, "");
}

function card(title, allowed, word, ...content) {
    return element("article", { class: "card" }, element("h3", {}, title),
        element("p", { class: allowed ? "chip good" : "chip refused" }, `${allowed ? "✓" : "✗"} ${word}`), content);
}

function declared(one) {
    const it = one.declared;
    if (it === null) return card("The policy declares", false, "is not asked");
    // The origin may be allowed, and the answer still say too little for the request, of credentials say.
    const lacks = !it.allowed && it.reason === "allowed";
    const said = it.sentence === "" ? "the policy leaves the path alone" : it.sentence;
    return card("The policy declares", it.allowed, it.allowed ? "allows it" : lacks ? "not enough" : "refuses it",
        element("p", {}, `${said[0].toUpperCase()}${said.slice(1)}${lacks ? ", but not for such a request" : ""}.`),
        headerList(it.headers, "Its last answer carries no header of CORS."));
}

function predicted(one, engine) {
    const dropped = (one.dropped ?? []).map((name) => element("p", {}, `${name} is dropped in silence: no page can set it.`));
    return card(`The model predicts (${engine})`, one.allowed, one.allowed ? "allowed" : one.code, dropped,
        element("ol", { class: "steps" }, one.steps.map((step) => element("li", {}, shorter(step)))),
        one.steps.length === 0 ? element("p", {}, one.message) : null,
        one.visible ? element("p", {}, `The page sees: ${one.visible.join(", ")}.`) : null,
        one.clause && !one.allowed ? element("p", { class: "hint" }, `Fetch standard: ${one.clause}.`) : null);
}

function done(one) {
    const outcome = one.outcome;
    const blocked = "error" in outcome;
    const requests = one.seen.map((seen) => element("li", {}, `${seen.method} → ${seen.status}`));
    const got = blocked
        ? element("p", {}, element("code", {}, outcome.error))
        : element("p", {}, `The page sees: ${Object.keys(outcome.headers).sort().join(", ")}.`);
    return card("Your browser did", !blocked, blocked ? "blocked it" : `status ${outcome.status}`, got,
        element("p", {}, one.seen.length === 0 ? "The server saw no request." : "The server saw:"),
        element("ol", { class: "steps" }, requests));
}

function headerList(headers, none) {
    const told = headers.filter(([name]) => !/^x-/i.test(name));
    if (told.length === 0) return element("p", {}, none);
    return element("dl", { class: "headers" },
        told.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function advice(one) {
    const changes = one.declared?.advice ?? [];
    if (changes.length === 0) return [];
    return [element("h3", {}, "To allow it"),
        element("ul", {}, changes.map((change) => element("li", {}, `${change[0].toUpperCase()}${change.slice(1)}.`)))];
}

// The id in the query is the lab's, and says nothing to a reader.
function shorter(text) {
    return text.replace(/http:\/\/127\.0\.0\.1:\d+/g, "").replace(/\?lab=[\w-]+/g, "");
}

function scriptOf(url, request) {
    const options = [];
    if (request.method !== "GET") options.push(`method: ${JSON.stringify(request.method)}`);
    const headers = request.headers.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
    if (headers.length > 0) options.push(`headers: { ${headers.join(", ")} }`);
    if (request.credentials !== "same-origin") options.push(`credentials: ${JSON.stringify(request.credentials)}`);
    const target = JSON.stringify(url.replace(/\?lab=[\w-]+/, ""));
    return options.length === 0 ? `fetch(${target})` : `fetch(${target}, {\n  ${options.join(",\n  ")},\n})`;
}
