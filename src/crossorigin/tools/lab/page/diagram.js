// The sequence diagram: page, browser and server, as an SVG that is drawn anew for the width that there is.
// The same, in words, is a list below it for those who do not see the drawing.
import { byId, drawn, element } from "./dom.js";

const LETTER = 7.3; // the width of a letter of the diagram's type, in its own units
const LINE = 16;
const GAP = 14;

let last = null;

export function showDiagram(told) {
    last = told;
    byId("diagram").hidden = false;
    draw();
}

new ResizeObserver(() => { if (last !== null && !byId("diagram").hidden) draw(); }).observe(byId("diagram"));

function draw() {
    const messages = messagesOf(last);
    const width = Math.max(280, Math.floor(byId("diagram").clientWidth));
    byId("diagram").replaceChildren(
        picture(messages, width),
        element("figcaption", {}, element("details", {}, element("summary", {}, "The same in words"),
            element("ol", {}, messages.map((message) => element("li", {}, message.words))))));
}

// What passes between the three: from, to (0 page, 1 browser, 2 server), lines of text, and whether it is good.
function messagesOf({ request, play, reason }) {
    const call = `fetch, ${request.method}`;
    const found = [message(0, 1, [call], "call", `The page calls ${call}.`)];
    for (const seen of play.seen) {
        const isPreflight = seen.request.some(([name]) => /^access-control-request-method$/i.test(name));
        const what = isPreflight ? "preflight" : "request";
        const asked = lines(seen.request);
        found.push(message(1, 2, [`${seen.method} (${what})`, ...asked], "request",
            `The browser sends ${seen.method}, the ${what}${inWords(asked)}.`));
        const answered = lines(seen.response);
        found.push(message(2, 1, [String(seen.status), ...answered], "response",
            `The server answers ${seen.status}${inWords(answered)}.`));
    }
    const outcome = play.outcome;
    if ("error" in outcome) {
        found.push(message(1, 0, ["✗ TypeError", reason], "blocked", `The browser blocks it: ${reason}.`));
    } else {
        found.push(message(1, 0, [`✓ response, ${outcome.status}`], "allowed",
            `The page gets the response, status ${outcome.status}.`));
    }
    return found;
}

function message(from, to, text, kind, words) {
    return { from, to, text, kind, words };
}

function lines(headers) {
    return headers.filter(([name]) => !/^x-/i.test(name)).map(([name, value]) => `${name}: ${value.replace(/\?lab=.*/, "")}`);
}

function inWords(headers) {
    return headers.length === 0 ? "" : `, with ${headers.join("; ")}`;
}

function picture(messages, width) {
    const narrow = width < 560;
    // The lane between browser and server carries the headers, and gets the most room.
    const places = narrow ? [14, width * 0.16, width - 12] : [70, Math.min(width * 0.36, 420), width - 70];
    const heads = [["page", last.origin], ["browser", ""], [last.stack, last.address]];
    const top = narrow ? 26 : 44;
    const parts = [];
    let y = top + 4;
    for (const one of messages) {
        const [left, right] = [places[one.from], places[one.to]].sort((a, b) => a - b);
        // On a narrow screen what the browser says to the page is written across the whole picture.
        const start = left + 10;
        const room = narrow && right < width / 2 ? width - start - 4 : right - left - 20;
        const wrapped = one.text.flatMap((text, number) => wrap(text, Math.floor(room / LETTER), number));
        y += GAP;
        wrapped.forEach(({ text, first }) => {
            y += LINE;
            parts.push(drawn("text", { x: start, y: y - 5, class: `${first ? "head" : "line"} ${one.kind}` }, text));
        });
        parts.push(arrow(places[one.from], places[one.to], y + 3, one.kind));
        y += 6;
    }
    const height = y + 18;
    const lanes = places.map((x) => drawn("line", { x1: x, x2: x, y1: top, y2: height - 4, class: "lane" }));
    const titles = places.map((x, number) => title(x, heads[number], number, width, narrow)).flat();
    return drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
        "aria-label": "Sequence diagram of page, browser and server. The same in words stands below." },
    lanes, parts, titles);
}

function title(x, [name, place], number, width, narrow) {
    const anchor = ["start", narrow ? "start" : "middle", "end"][number];
    const edge = narrow ? 0 : 6;
    const at = [edge, narrow ? x - 4 : x, width - edge][number];
    const first = drawn("text", { x: at, y: 16, "text-anchor": anchor, class: "title" }, name);
    if (narrow || place === "") return [first];
    return [first, drawn("text", { x: at, y: 34, "text-anchor": anchor, class: "place" }, place)];
}

function arrow(from, to, y, kind) {
    const way = Math.sign(to - from);
    const tip = to - way * 3;
    return drawn("g", { class: `arrow ${kind}` },
        drawn("line", { x1: from, x2: tip, y1: y, y2: y }),
        drawn("path", { d: `M${tip - way * 8},${y - 5} L${tip},${y} L${tip - way * 8},${y + 5}` }));
}

// At a space if there is one, else behind a hyphen, else anywhere. Further lines are set in by two letters.
function wrap(text, most, number) {
    const room = Math.max(12, most);
    const wrapped = [];
    let rest = text;
    while (rest.length > room) {
        const space = rest.lastIndexOf(" ", room);
        const mark = rest.lastIndexOf("-", room - 1) + 1;
        const cut = space > 2 ? space : mark > 2 ? mark : room;
        wrapped.push(rest.slice(0, cut));
        rest = `  ${rest.slice(cut).trimStart()}`;
    }
    wrapped.push(rest);
    return wrapped.map((line, index) => ({ text: line, first: number === 0 && index === 0 }));
}
