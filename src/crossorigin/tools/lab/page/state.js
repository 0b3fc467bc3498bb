// The whole state, in the form and in the page's fragment, so that the address of the page can be shared.
// Ports differ from lab to lab: in the fragment an origin of the lab's pages is written as its word, {app}; and what
// is written {app} in the policy itself as {=app}, what is written {=app} as {==app}, and so on.
import { setup, running } from "./setup.js";
import { byId } from "./dom.js";

const origins = Object.entries(setup.pages).filter(([, origin]) => origin !== "null");

// What a link that leaves something out means.
const PLAIN = { policy: "", stack: running[0].key, page: "app", method: "GET", headers: "",
    credentials: "same-origin", path: "/items" };

// Where it is no beginning of another one: http://localhost:8000 is not in http://localhost:80000.
const anOrigin = new RegExp(`(?:${origins.map(([, origin]) => origin.replaceAll(".", "\\.")).join("|")})(?![\\w:.-])`, "g");

const inBraces = new RegExp(`\\{(=*)(${origins.map(([word]) => word).join("|")})\\}`, "g");

function withWords(text) {
    const kept = text.replace(inBraces, "{=$1$2}");
    return kept.replace(anOrigin, (origin) => `{${origins.find(([, known]) => known === origin)[0]}}`);
}

function withOrigins(text) {
    return text.replace(inBraces, (_, marks, word) => marks === "" ? setup.pages[word] : `{${marks.slice(1)}${word}}`);
}

export function fromForm() {
    const form = byId("request");
    return {
        policy: byId("policy").value,
        stack: form.stack.value,
        page: form.page.value,
        method: form.method.value.trim(),
        headers: form.headers.value,
        credentials: form.credentials.value,
        path: form.path.value,
    };
}

export function toForm(state) {
    const form = byId("request");
    byId("policy").value = state.policy;
    for (const name of ["method", "headers", "credentials"]) form[name].value = state[name];
    for (const name of ["stack", "page", "path"]) choose(form[name], state[name]);
}

// A link may be anybody's: what this lab does not have is left as it is.
function choose(select, value) {
    if ([...select.options].some((option) => option.value === value && !option.disabled)) select.value = value;
}

export function ofSituation(situation, stack) {
    const { page, method, headers, credentials, path } = situation.request;
    const lines = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
    return { policy: situation.policy, stack, page, method, headers: lines, credentials, path };
}

export function toFragment(state) {
    const words = Object.entries({ ...state, policy: withWords(state.policy) });
    return "#" + new URLSearchParams(words.filter(([name, value]) => name === "policy" || value !== ""));
}

export function fromFragment(fragment) {
    const told = new URLSearchParams(fragment.slice(1));
    if (!told.has("policy")) return null;
    const state = Object.fromEntries(Object.entries(PLAIN).map(([name, value]) => [name, told.get(name) ?? value]));
    if (!["omit", "same-origin", "include"].includes(state.credentials)) state.credentials = PLAIN.credentials;
    return { ...state, policy: withOrigins(state.policy) };
}

// The headers as pairs: a line is "Name: value", or a name alone, which stands for a value of 1.
export function pairs(text) {
    return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").map((line) => {
        const [, name, value] = line.match(/^([^:]*)(?::(.*))?$/);
        return [name.trim(), value === undefined ? "1" : value.trim()];
    });
}
