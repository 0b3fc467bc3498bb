// What the server wrote into the page: the policy to begin with, the pages' origins, the stacks, the situations.
export const setup = JSON.parse(document.getElementById("setup").textContent);

export const running = setup.stacks.filter((stack) => stack.address !== null);
