// Run all: every situation on every stack, and the grid of what came of it.
import { setup, running } from "./setup.js";
import { byId, element } from "./dom.js";
import { play } from "./playing.js";

// Fills `lab.results` as it goes, for whoever drives the page, and returns it.
export async function runAll(lab) {
    const results = { finished: false, agreed: false, engine: "", error: null, rows: [] };
    lab.results = results;
    byId("differences").replaceChildren();
    try {
        for (const [number, situation] of setup.situations.entries()) {
            byId("progress").textContent = `${number + 1} of ${setup.situations.length}: ${situation.name}`;
            results.rows.push(await rowOf(situation, results));
            draw(results);
        }
        results.agreed = results.rows.every((row) => row.agreed);
        const agreed = results.rows.filter((row) => row.agreed).length;
        byId("progress").textContent =
            `${agreed} of ${results.rows.length} situations agree on all ${running.length} stacks, in ${results.engine}.`;
    } catch (error) {
        results.error = error.message;
        byId("progress").textContent = `It stopped: ${error.message}`;
        throw error;
    } finally {
        results.finished = true;
    }
    return results;
}

async function rowOf(situation, results) {
    const stacks = running.map((stack) => stack.key);
    const played = await play(situation.policy, situation.request, stacks);
    results.engine = played.engine ?? results.engine;
    const cells = played.built
        ? Object.fromEntries(played.plays.map((one) => [one.stack, cellOf(situation, one)]))
        : Object.fromEntries(stacks.map((stack) => [stack, notBuilt(situation, played)]));
    const agreed = Object.values(cells).every((cell) => cell.agreed);
    return { key: situation.key, name: situation.name, expects: situation.expects, agreed, cells };
}

function cellOf(situation, one) {
    const disagreements = [...one.disagreements];
    if (situation.expects !== null && one.code !== situation.expects) {
        disagreements.push(`${one.code}, instead of ${situation.expects}`);
    }
    const outcome = "error" in one.outcome ? "blocked" : String(one.outcome.status);
    return { agreed: disagreements.length === 0, outcome, code: one.code, disagreements };
}

function notBuilt(situation, played) {
    const codes = played.problems.map((problem) => problem.code);
    const disagreements = codes.includes(situation.expects) ? [] : [`${codes}, instead of ${situation.expects}`];
    return { agreed: disagreements.length === 0, outcome: "unbuilt", code: situation.expects, disagreements };
}

function draw(results) {
    const head = element("tr", { role: "row" }, element("th", { role: "columnheader", scope: "col" }, "Situation"),
        running.map((stack) => element("th", { role: "columnheader", scope: "col" }, stack.label)));
    const rows = results.rows.map((row) => element("tr", { role: "row" },
        element("th", { role: "rowheader", scope: "row" }, row.name),
        running.map((stack) => cell(row.cells[stack.key]))));
    byId("grid").hidden = false;
    byId("grid").replaceChildren(element("table", { role: "table" },
        element("caption", {}, "What the page gets: a status; blocked, where the browser keeps the response; unbuilt, ",
            "where the policy has a mistake that stops it. ✓ policy, model and browser agree; ✗ they do not."),
        element("thead", { role: "rowgroup" }, head), element("tbody", { role: "rowgroup" }, rows)));
    byId("grid").style.setProperty("--stacks", running.length);
    byId("differences").replaceChildren(...results.rows.flatMap((row) => Object.entries(row.cells).flatMap(
        ([stack, one]) => one.disagreements.map((why) => element("li", {}, `${row.name}, ${stack}: ${why}`)))));
}

function cell(one) {
    return element("td", { role: "cell", class: one.agreed ? "agreed" : "differs", title: one.code },
        element("span", { class: "mark" }, element("span", { "aria-hidden": "true" }, one.agreed ? "✓" : "✗"),
            element("span", { class: "unseen" }, one.agreed ? "agreed: " : "differs: ")),
        element("span", { class: "outcome" }, one.outcome));
}
