// The page: what each control does. What drives it from outside finds `window.lab`.
import { setup, running } from "./setup.js";
import { byId, element } from "./dom.js";
import { fromForm, fromFragment, ofSituation, pairs, toForm, toFragment } from "./state.js";
import { checkNow, checkSoon, show } from "./findings.js";
import { play } from "./playing.js";
import { showEarlier, showFailure, showNotBuilt, showPlay, showWaiting } from "./outcome.js";
import { runAll } from "./grid.js";

function fill() {
    byId("page").append(...Object.entries(setup.pages).map(([word, origin]) =>
        element("option", { value: word }, word === "sandbox" ? "null (a sandboxed frame)" : origin)));
    byId("stack").append(...setup.stacks.map((stack) =>
        element("option", { value: stack.key, disabled: stack.missing !== null },
            stack.missing === null ? stack.label : `${stack.label} (${stack.missing})`)));
    byId("path").append(...Object.entries(setup.paths).map(([path, what]) =>
        element("option", { value: path }, `${path} ${what}`)));
    byId("presets").append(...setup.situations.map((situation) =>
        element("button", { type: "button", "data-key": situation.key, "aria-pressed": "false",
            onclick: () => choose(situation).catch(() => {}) }, situation.name)));
}

function press(key) {
    for (const button of byId("presets").children) {
        button.setAttribute("aria-pressed", String(button.dataset.key === key));
    }
    const lesson = setup.situations.find((situation) => situation.key === key)?.lesson ?? "";
    byId("lesson").textContent = lesson;
    byId("lesson").hidden = lesson === "";
    byId("other").hidden = true;
}

async function choose(situation) {
    toForm(ofSituation(situation, byId("stack").value));
    press(situation.key);
    await fetchNow();
    if (byId("outcome").getBoundingClientRect().top > innerHeight * 0.6) byId("outcome").scrollIntoView();
}

function edited() {
    press(null);
    showEarlier();
    keepSoon();
}

const PAUSE = 300; // milliseconds without a key
let timer = 0;

// Not at every key: browsers refuse to change the address more than so often.
function keepSoon() {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
}

function keep() {
    clearTimeout(timer);
    try {
        history.replaceState(null, "", toFragment(fromForm()));
    } catch {
        timer = setTimeout(keep, 10 * PAUSE);
    }
}

// A link brings a policy of its own: whoever started the lab with one is told.
function toLinked(state) {
    toForm(state);
    press(null);
    byId("other").hidden = !setup.given || state.policy === setup.policy;
}

let turn = Promise.resolve();
let waiting = 0;

// One play at a time, as there is one place to show it. Meanwhile no button starts another.
async function inTurn(work) {
    const focused = document.activeElement;
    waiting += 1;
    enable();
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    try {
        return await mine;
    } finally {
        waiting -= 1;
        enable();
        // A button that is disabled loses the focus, and whoever uses the keyboard their place.
        if (document.activeElement === document.body) focused?.focus({ preventScroll: true });
    }
}

function enable() {
    for (const button of [byId("fetch"), byId("run-all"), ...byId("presets").children]) button.disabled = waiting > 0;
}

function fetchNow() {
    return inTurn(fetchInTurn);
}

async function fetchInTurn() {
    keep();
    const state = fromForm();
    const request = { ...state, headers: pairs(state.headers) };
    delete request.policy;
    delete request.stack;
    showWaiting();
    try {
        const played = await play(state.policy, request, [state.stack]);
        show(played);
        if (played.built) showPlay(state, request, played);
        else showNotBuilt(played);
        if (toFragment(fromForm()) !== toFragment(state)) showEarlier();
        return played;
    } catch (error) {
        showFailure(error);
        throw error;
    }
}

function begin() {
    fill();
    const stack = running[0].key;
    const first = ofSituation(setup.situations[0], stack);
    toLinked(fromFragment(location.hash) ?? { ...first, policy: setup.policy });
    checkNow();

    byId("given").addEventListener("click", () => {
        byId("policy").value = setup.policy;
        edited();
        checkNow();
        byId("policy").focus();
    });
    byId("policy").addEventListener("input", () => { edited(); checkSoon(); });
    byId("request").addEventListener("input", edited);
    byId("request").addEventListener("submit", (event) => {
        event.preventDefault();
        fetchNow().catch(() => {});
    });
    byId("share").addEventListener("click", async () => {
        keep();
        try {
            await navigator.clipboard.writeText(location.href);
            byId("share").textContent = "Copied";
        } catch {
            byId("share").textContent = "Copy it from the address bar";
        }
        setTimeout(() => { byId("share").textContent = "Copy the link"; }, 2500);
    });
    addEventListener("hashchange", () => {
        const state = fromFragment(location.hash);
        if (state === null) return;
        toLinked(state);
        showEarlier();
        checkNow();
    });
    byId("run-all").addEventListener("click", () => lab.runAll().catch(() => {}));
}

const lab = {
    results: { finished: false, agreed: false, engine: "", rows: [] },
    state: fromForm,
    fetch: fetchNow,
    runAll: () => inTurn(() => runAll(lab)),
};
begin();
window.lab = lab;
