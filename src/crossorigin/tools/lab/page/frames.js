// The hidden frames: one for each page of another origin, which fetches there and reports by message.
import { setup } from "./setup.js";
import { element } from "./dom.js";

const PATIENCE = 5000; // milliseconds for a frame to load and answer
const LONGEST = 20000; // and for a fetch

const frames = new Map();

export async function fetchAs(page, url, init) {
    if (!frames.has(page)) frames.set(page, load(page));
    let frame;
    try {
        frame = await frames.get(page);
    } catch (error) {
        frames.delete(page);
        throw error;
    }
    return await ask(frame, page, [url, init], LONGEST, `no answer came within ${LONGEST / 1000} seconds`);
}

async function load(page) {
    const sandboxed = setup.pages[page] === "null";
    const origin = sandboxed ? setup.pages.app : setup.pages[page];
    const frame = element("iframe", {
        src: `${origin}/frame`,
        sandbox: sandboxed && "allow-scripts",
        title: `A page of ${setup.pages[page]}`,
        "aria-hidden": "true",
        tabindex: "-1",
        class: "frame",
    });
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    document.body.append(frame);
    try {
        await within(loaded, PATIENCE, unreachable(origin));
        await ask(frame, page, [null, null], PATIENCE, unreachable(origin));
    } catch (error) {
        frame.remove();
        throw error;
    }
    return frame;
}

function unreachable(origin) {
    return `this browser does not reach ${origin}: it must take names below localhost for this machine`;
}

// To the frame's own origin alone, so that nobody else who might be there is asked. A sandboxed frame has none.
function ask(frame, page, message, patience, late) {
    const target = setup.pages[page] === "null" ? "*" : setup.pages[page];
    const channel = new MessageChannel();
    const answered = new Promise((resolve) => {
        channel.port1.onmessage = (event) => resolve(event.data);
    });
    frame.contentWindow.postMessage(message, target, [channel.port2]);
    return within(answered, patience, late).finally(() => channel.port1.close());
}

function within(promise, milliseconds, late) {
    let timer;
    const tooLate = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(late)), milliseconds);
    });
    return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}
