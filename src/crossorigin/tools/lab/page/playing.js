// One request on one or more stacks: the model plays it, then this browser does, then the server says what it saw.
import { post } from "./server.js";
import { fetchAs } from "./frames.js";

// Returns what the server told of the policy, and, if that can be built, a play for each stack with its outcome.
export async function play(policy, request, stacks) {
    const prepared = await post("/api/prepare", { policy, request, stacks });
    const init = { method: request.method, headers: request.headers, credentials: request.credentials };
    const plays = await Promise.all(prepared.plays.map(async (one) => {
        const outcome = await fetchAs(request.page, one.url, init);
        return { ...one, outcome, ...await post("/api/report", { id: one.id, outcome }) };
    }));
    return { ...prepared, plays };
}
