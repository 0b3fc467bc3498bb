// What is wrong with the policy, as it is typed.
import { post } from "./server.js";
import { byId, element } from "./dom.js";

const PAUSE = 250; // milliseconds without a key
const ICONS = { error: "✗", danger: "⚠", warning: "•" };

let timer = 0;
let asked = 0;

export function checkSoon() {
    clearTimeout(timer);
    timer = setTimeout(checkNow, PAUSE);
}

export async function checkNow() {
    clearTimeout(timer);
    const mine = ++asked;
    try {
        const reading = await post("/api/check", { policy: byId("policy").value });
        if (mine === asked) show(reading); // an answer that a later one has overtaken says nothing
    } catch (error) {
        if (mine === asked) byId("findings").replaceChildren(element("p", { class: "bad" }, String(error.message)));
    }
}

export function show(reading) {
    const problems = reading.problems.map((problem) => element("li", { class: problem.severity },
        element("span", { class: "icon", "aria-hidden": "true" }, ICONS[problem.severity]),
        element("span", {}, element("strong", {}, `${problem.severity}, ${problem.where}: `), problem.message)));
    const stops = reading.problems.filter((problem) => problem.severity !== "warning").length;
    const head = reading.held ? element("p", { class: "bad" }, reading.held) : reading.built
        ? element("p", { class: "good" }, "✓ The policy can be built.")
        : element("p", { class: "bad" }, stops === 1 ? "✗ One thing stops it." : `✗ ${stops} things stop it.`);
    byId("findings").replaceChildren(head, element("ul", {}, problems));
    byId("policy").setAttribute("aria-invalid", String(!reading.built));
}
