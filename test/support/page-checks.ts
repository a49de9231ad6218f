// What holds for any page, as programs for it: each gives a list of what is wrong.

/** Nothing scrolls sideways, and nothing that is seen lies beyond the page but in frames of its own. */
export const sidewaysProblems = `(() => {
    const problems = [];
    const width = document.documentElement.clientWidth;
    const root = document.documentElement;
    if (root.scrollWidth > width) problems.push("the page scrolls sideways");
    for (const element of document.querySelectorAll("body *")) {
        if (element.closest(".scroll, pre, .display-math, .katex, .unseen, .skip, dialog:not([open])") !== null) continue;
        const box = element.getBoundingClientRect();
        if (box.width > 0 && (box.left < -0.5 || box.right > width + 0.5)) {
            problems.push("beyond the page: " + element.tagName + "." + element.className + " " + element.textContent.slice(0, 30));
        }
    }
    return problems;
})()`;

/** Texts that do not stand out from what lies behind them by WCAG's 4.5:1. */
export const contrastProblems = `(() => {
    const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
    const light = (channel) => (channel /= 255) <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
    const behind = (element) => {
        const layers = [];
        for (let at = element; at !== null; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            layers.push(colour);
            if ((colour[3] ?? 1) === 1 && colour.length >= 3) break;
        }
        return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
    };
    const problems = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
        const element = text.parentElement;
        if (text.data.trim() === "" || element.closest("script, style, .unseen, .skip, .katex-mathml, noscript, option") !== null) continue;
        if (!element.checkVisibility({ checkVisibilityCSS: true })) continue;
        if (element.matches(":disabled, :disabled *")) continue;
        const back = behind(element);
        const ink = over(parse(getComputedStyle(element).color), back);
        const [a, b] = [luminance(ink), luminance(back)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) problems.add(element.tagName + "." + element.className + " " + ratio.toFixed(2) + " " + text.data.trim().slice(0, 20));
    }
    for (const field of document.querySelectorAll("[placeholder]")) {
        if (!field.checkVisibility({ checkVisibilityCSS: true })) continue;
        const back = behind(field);
        const [a, b] = [luminance(over(parse(getComputedStyle(field, "::placeholder").color), back)), luminance(back)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) problems.add("placeholder of " + field.id + " " + ratio.toFixed(2));
    }
    return [...problems];
})()`;

/** What readers of screens would stumble over: unnamed controls, ids that are there twice, headings that skip a level, unlabelled groups. */
export const accessProblems = `(() => {
    const problems = [];
    const seen = (element) => element.checkVisibility({ checkVisibilityCSS: true });
    const name = (element) =>
        element.getAttribute("aria-label") ||
        (element.getAttribute("aria-labelledby") ?? "").split(/\\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim() ||
        [...(element.labels ?? [])].map((label) => label.textContent.trim()).join(" ") ||
        element.textContent.trim() || element.getAttribute("title") || "";
    for (const one of document.querySelectorAll("button, input, select, textarea, a[href], summary, [role=listbox], progress")) {
        if (seen(one) && name(one) === "") problems.push("no name: " + one.outerHTML.slice(0, 80));
    }
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) problems.push("twice: #" + id);
    for (const attribute of ["aria-labelledby", "aria-describedby", "for"]) {
        for (const one of document.querySelectorAll("[" + attribute + "]")) {
            for (const id of one.getAttribute(attribute).split(/\\s+/)) {
                if (document.getElementById(id) === null) problems.push("nobody is " + id);
            }
        }
    }
    let level = 0;
    for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
        if (!seen(heading)) continue;
        const now = Number(heading.tagName[1]);
        if (now > level + 1) problems.push("a level is skipped: " + heading.outerHTML.slice(0, 80));
        level = now;
    }
    if (document.querySelectorAll("main").length !== 1) problems.push("not one main");
    if (document.documentElement.lang === "") problems.push("no language");
    if (document.title === "") problems.push("no title");
    for (const one of document.querySelectorAll("[tabindex]")) if (one.tabIndex > 0) problems.push("an order of its own: " + one.outerHTML.slice(0, 80));
    for (const one of document.querySelectorAll("[aria-hidden=true] button, [aria-hidden=true] a[href]")) problems.push("hidden, and reached: " + one.outerHTML.slice(0, 80));
    for (const one of document.querySelectorAll("[role=option]")) if (one.closest("[role=listbox]") === null) problems.push("an option of nothing");
    for (const one of document.querySelectorAll("button, select, input:not([type=checkbox])")) {
        const box = one.getBoundingClientRect();
        if (seen(one) && box.width > 1 && box.height < 24) problems.push("too small to hit: " + one.outerHTML.slice(0, 80));
    }
    return problems;
})()`;
