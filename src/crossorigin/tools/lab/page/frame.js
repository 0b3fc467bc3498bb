// Runs on another origin than the lab, in a hidden frame: fetches what the lab asks for, and reports what a page gets.
"use strict";

const labs = document.documentElement.dataset.labs.split(" ");

async function outcomeOf(url, init) {
    try {
        const response = await fetch(url, { ...init, cache: "no-store" });
        const text = await response.text();
        return {
            status: response.status,
            headers: Object.fromEntries(response.headers),
            text: text.slice(0, 500),
            redirected: response.redirected,
        };
    } catch (error) {
        return { error: String(error) };
    }
}

addEventListener("message", async (event) => {
    if (!labs.includes(event.origin)) return;
    const [url, init] = event.data;
    event.ports[0].postMessage(url === null ? "here" : await outcomeOf(url, init));
});
