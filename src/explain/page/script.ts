// What a page does where scripts run: figures of the token that is pointed at, tapped or gone to by keyboard, and the slider. It makes
// elements and texts, never markup. The page says all of it without.

/** The program of a page, in the dialect of browsers. It may not hold the end of a script element. */
export const pageScript = String.raw`
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
};
const percent = (log) => {
    if (log === "-") return "-";
    if (log === null) return "0";
    const share = 100 * Math.exp(log);
    if (share >= 99.95) return share >= 99.995 ? "100%" : share.toFixed(2) + "%";
    return share >= 0.1 ? share.toFixed(share >= 10 ? 1 : 2) + "%" : (share / 100).toExponential(0);
};
const nats = (value) => value === "-" ? "-" : value === null ? "never" : value > 0 && value < 0.0005 ? value.toExponential(0) : value.toFixed(3);
const said = (token) => data.texts[token] ?? "";
const roles = ["base", "expert", "antiexpert", "RAST"];

// The slider: as src/explain/at-lambda.ts
let factor = 1;
const likeliestAt = (token, by) => {
    const never = -Infinity;
    const valueOf = ([, base, rast]) => {
        const b = base ?? never, r = rast ?? never;
        if (by === 0) return b;
        if (by === 1) return r;
        const value = b + by * (r - b);
        return Number.isNaN(value) ? never : value;
    };
    const all = new Map([...token.base, ...token.rast].map((one) => [one[0], one]));
    let best;
    for (const one of all.values()) {
        const difference = best === undefined ? Infinity : valueOf(one) - valueOf(best);
        if (difference > 0 || (difference === 0 && one[0] < best[0])) best = one;
    }
    const last = (list, at) => list[list.length - 1][at] ?? never;
    const others = by >= 0 && by <= 1 ? (1 - by) * last(token.base, 1) + by * last(token.rast, 2) : Infinity;
    return { token: best[0], certain: all.size >= data.drawable || valueOf(best) > others };
};

const panel = byId("figures");
const aloud = byId("aloud");
const body = byId("figures-body");
const rowsOf = (head, rows) => {
    const table = make("table");
    const top = make("tr");
    for (const name of head) top.append(make("th", name, { scope: "col" }));
    const tableHead = make("thead");
    tableHead.append(top);
    const lines = make("tbody");
    for (const row of rows) {
        const line = make("tr");
        row.forEach((cell, index) => line.append(index === 0 ? make("th", cell, { scope: "row" }) : make("td", cell)));
        lines.append(line);
    }
    table.append(tableHead, lines);
    return table;
};
const show = (index) => {
    const token = data.tokens[index];
    panel.hidden = false;
    const likeliest = token.base[0][0];
    const instead = token.changed ? " The base would have taken " + said(likeliest) + "." : " The base would have taken it, too.";
    aloud.textContent = "Token " + (index + 1) + " of " + data.tokens.length + ", " + token.says + ": base " + percent(token.log[0]) +
        ", RAST " + percent(token.log[3]) + ", KL " + nats(token.kl) + " nats." + instead;
    const figures = rowsOf(["", "p", "log p", "rank", "entropy"], roles.map((role, at) => [
        role, percent(token.log[at]), nats(token.log[at]),
        at === 0 ? String(token.rank[0] + 1) : at === 3 ? String(token.rank[1] + 1) : "-", nats(token.entropy[at])
    ]));
    const both = make("div", undefined, { class: "lists" });
    for (const [name, list] of [["Base", token.base], ["RAST", token.rast]]) {
        both.append(rowsOf([name + "'s likeliest", "base", "RAST"], list.map(([id, b, r]) => [said(id), percent(b), percent(r)])));
    }
    const drafted = token.draft === "expert" ? "Drafted by the expert, and drawn by the ensemble as well."
        : token.draft === "text" ? "Drafted from the text, which repeats itself, and drawn by the ensemble as well." : "Not drafted.";
    const parts = [figures, both, make("p", drafted + " Id " + token.id + ".")];
    if (factor !== 1) {
        const then = likeliestAt(token, factor);
        parts.push(make("p", "At " + strengthSaid() + " the likeliest token is " + said(then.token) + (then.certain ? "." : ", of those recorded.")));
    }
    body.replaceChildren(...parts);
};

// Keyboard, pointer and touch: one token of each text is in the order of tabs, arrows go on from there.
let chosen;
const choose = (element, focus) => {
    const list = element.parentElement;
    const before = list.querySelector("[tabindex='0']");
    if (before !== null) {
        before.tabIndex = -1;
        before.setAttribute("aria-selected", "false");
    }
    element.tabIndex = 0;
    element.setAttribute("aria-selected", "true");
    if (focus) element.focus();
    if (chosen !== undefined) chosen.classList.remove("chosen");
    chosen = element;
    element.classList.add("chosen");
    show(Number(element.id.slice(1)));
};
const step = (element, key) => {
    const all = [...element.parentElement.querySelectorAll(".t")];
    const at = all.indexOf(element);
    const nextChanged = (list) => list.find((one) => one.classList.contains("changed"));
    switch (key) {
        case "ArrowRight": case "ArrowDown": return all[at + 1];
        case "ArrowLeft": case "ArrowUp": return all[at - 1];
        case "Home": return all[0];
        case "End": return all[all.length - 1];
        case "PageDown": return nextChanged(all.slice(at + 1));
        case "PageUp": return nextChanged(all.slice(0, at).reverse());
        default: return null;
    }
};
for (const list of document.querySelectorAll("[data-tokens]")) {
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", list.dataset.tokens);
    const all = [...list.querySelectorAll(".t")];
    all.forEach((one, index) => {
        const token = data.tokens[index];
        one.setAttribute("role", "option");
        one.setAttribute("aria-selected", "false");
        one.setAttribute("aria-label", token.says + (token.changed ? ", changed" : ""));
        one.tabIndex = index === 0 ? 0 : -1;
    });
    const tokenOf = (event) => event.target.closest(".t");
    list.addEventListener("pointerover", (event) => {
        const one = tokenOf(event);
        if (one !== null && event.pointerType === "mouse" && !list.contains(document.activeElement)) choose(one, false);
    });
    list.addEventListener("click", (event) => {
        const one = tokenOf(event);
        if (one !== null) choose(one, true);
    });
    list.addEventListener("focusin", (event) => {
        const one = tokenOf(event);
        if (one !== null && one !== chosen) choose(one, false);
    });
    list.addEventListener("keydown", (event) => {
        const one = tokenOf(event);
        const next = one === null || event.altKey || event.ctrlKey || event.metaKey ? null : step(one, event.key);
        if (next === null) return;
        event.preventDefault();
        if (next !== undefined) choose(next, true);
    });
}
for (const hint of document.querySelectorAll(".with-script")) hint.hidden = false;
const fromAddress = () => {
    const element = /^#r\d+$/.test(location.hash) ? byId(location.hash.slice(1)) : null;
    if (element !== null && element.getAttribute("role") === "option") choose(element, true);
};
addEventListener("hashchange", fromAddress);

const slider = byId("strength");
const strengthSaid = () => "lambda = " + data.lambdas.map((one) => String(Number((factor * one).toPrecision(4)))).join(" and ");
if (slider !== null) {
    const output = byId("strength-said");
    const lines = byId("strength-rows");
    const around = (index) => {
        const says = (one) => one.says.slice(1, -1);
        return data.tokens.slice(Math.max(0, index - 6), index).map(says).join("") + "\u2039" + says(data.tokens[index]) + "\u203A" + data.tokens.slice(index + 1, index + 4).map(says).join("");
    };
    const slide = () => {
        factor = Number(slider.value);
        const moved = data.tokens.map((token, index) => ({ index, then: likeliestAt(token, factor) })).filter(({ index, then }) => then.token !== data.tokens[index].rast[0][0]);
        output.textContent = strengthSaid() + ": " + moved.length + " of " + data.tokens.length + " places have another likeliest token";
        slider.setAttribute("aria-valuetext", output.textContent);
        const at = new Set(moved.map(({ index }) => index));
        data.tokens.forEach((_, index) => byId("r" + index)?.classList.toggle("otherwise", at.has(index)));
        lines.replaceChildren(...moved.map(({ index, then }) => {
            const line = make("tr");
            line.append(make("td", String(index + 1), { class: "right" }), make("td", around(index)), make("td", said(data.tokens[index].rast[0][0])),
                make("td", said(then.token) + (then.certain ? "" : " (of those recorded)")));
            return line;
        }));
        if (chosen !== undefined) show(Number(chosen.id.slice(1)));
    };
    slider.closest(".slider").hidden = false;
    slider.addEventListener("input", slide);
    slide();
}
fromAddress();
})();
`;
