// Making elements: of HTML and of SVG, with text alone, never with markup from elsewhere.
const SVG = "http://www.w3.org/2000/svg";

function filled(made, properties, children) {
    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
}

export function element(tag, properties = {}, ...children) {
    return filled(document.createElement(tag), properties, children);
}

export function drawn(tag, properties = {}, ...children) {
    return filled(document.createElementNS(SVG, tag), properties, children);
}

export function byId(id) {
    return document.getElementById(id);
}
