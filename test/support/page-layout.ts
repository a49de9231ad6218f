/** What lies outside of where it belongs, and how many texts pictures have. */
export interface MeasuredLayout {
    readonly problems: readonly string[];
    readonly texts: number;
}

/** A program for a page that finds that out. */
export const measureLayout = `(() => {
    document.querySelector("details").open = true;
    const problems = [];
    const width = document.documentElement.clientWidth;
    const name = (element) => element.tagName + "." + element.getAttribute("class") + " " + element.textContent.slice(0, 30);
    const outside = (inner, outer) =>
        inner.left < outer.left - 0.5 || inner.right > outer.right + 0.5 ||
        inner.top < outer.top - 0.5 || inner.bottom > outer.bottom + 0.5;
    const overlap = (a, b) =>
        a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
    if (document.documentElement.scrollWidth > width) problems.push("the page scrolls sideways");
    for (const element of document.querySelectorAll("body *")) {
        if (element.parentElement.closest(".scroll") !== null) continue;
        const box = element.getBoundingClientRect();
        if (box.left < -0.5 || box.right > width + 0.5) problems.push("beyond the page: " + name(element));
    }
    let texts = 0;
    for (const svg of document.querySelectorAll("svg[role=img]")) {
        const frame = svg.getBoundingClientRect();
        const boxes = [...svg.querySelectorAll("text")].map((text) => ({ text, box: text.getBoundingClientRect() }));
        texts += boxes.length;
        for (const { text, box } of boxes) {
            if (box.width === 0) problems.push("not drawn: " + name(text));
            if (outside(box, frame)) problems.push("beyond its picture: " + name(text));
        }
        boxes.forEach((one, index) => {
            for (const other of boxes.slice(index + 1)) {
                if (overlap(one.box, other.box)) problems.push("overlap: " + name(one.text) + " and " + name(other.text));
            }
        });
        for (const mark of svg.querySelectorAll("rect, line, path, circle")) {
            const box = mark.getBoundingClientRect();
            if (box.left < frame.left - 1 || box.right > frame.right + 1) problems.push("beyond its picture: " + name(mark));
        }
    }
    return { problems, texts };
})()`;
