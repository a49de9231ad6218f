import { describe, expect, test } from "vitest";
import { BlockStream } from "../../../page/markdown/block-stream.js";
import { safeLink } from "../../../page/markdown/links.js";
import { parseBlocks } from "../../../page/markdown/parse.js";
import type { Mark, MathMark } from "../../../page/markdown/tree.js";
import { hostileAnswers } from "../../support/hostile-answers.js";
import { size } from "../../support/size.js";

const marksOf = (text: string): readonly Mark[] => parseBlocks(text).flatMap(({ marks }) => marks);
const isMath = (mark: Mark): mark is MathMark => typeof mark === "object" && mark.kind === "math";

function all(marks: readonly Mark[]): Mark[] {
    return marks.flatMap((mark) => [
        mark,
        ...(typeof mark === "object" && mark.kind === "element" ? all(mark.children) : [])
    ]);
}

/** As markup, to be compared and read. */
function look(marks: readonly Mark[]): string {
    return marks
        .map((mark) => {
            if (typeof mark === "string") return mark;
            if (mark.kind === "code") return `<code${mark.block ? ` ${mark.language}!` : ""}>${mark.text}</code>`;
            if (mark.kind === "math")
                return `<math${mark.display ? "!" : ""}${mark.closed ? "" : "?"}>${mark.tex}</math>`;
            const more = `${mark.href === undefined ? "" : ` ${mark.href}`}${mark.start === undefined ? "" : ` ${mark.start}`}`;
            return `<${mark.tag}${more}>${look(mark.children)}</${mark.tag}>`;
        })
        .join("");
}

describe("Markdown", () => {
    test.each([
        ["**a** _b_ ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"],
        ["# a\n## b\n### c\n#### d\n##### e", "<h4>a</h4><h4>b</h4><h5>c</h5><h5>d</h5><h6>e</h6>"],
        ["a  \nb\nc", "<p>a<br></br>b\nc</p>"],
        ["- a\n- b\n\n3. c", "<ul><li>a</li><li>b</li></ul><ol 3><li>c</li></ol>"],
        ["> a\n\n---", "<blockquote><p>a</p></blockquote><hr></hr>"],
        ["```js x\nlet a;\n```\n\n    b", "<code js!>let a;</code><code !>b</code>"],
        ["| a |\n| - |\n| b |", "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>"],
        ["[a](https://b.c/d)", "<p><a https://b.c/d>a</a></p>"],
        ["<https://b.c/d>", "<p><a https://b.c/d>https://b.c/d</a></p>"],
        ["[a][x]\n\n[x]: https://b.c/", "<p><a https://b.c/>a</a></p>"],
        ["![a](https://b.c/d.png)", "<p><a https://b.c/d.png>image: a</a></p>"],
        ["[a](/x)", "<p>a (/x)</p>"],
        ["[a](javascript:x)", "<p>[a](javascript:x)</p>"],
        ["<b>a</b>", "<p><b>a</b></p>"],
        ["\\*a\\* &amp; &lt;", "<p>*a* & <</p>"]
    ])("%j", (text, expected) => expect(look(marksOf(text))).toBe(expected));

    test.each([
        ["$x$", "<p><math>x</math></p>"],
        ["a $x_1$, \\(y\\) and $$z$$.", "<p>a <math>x_1</math>, <math>y</math> and <math!>z</math>.</p>"],
        ["$$\nx\n= y\n$$", "<math!>\nx\n= y\n</math>"],
        ["\\[ x \\]", "<math!> x </math>"],
        ["a\n\\[\nx\n\\]\nb", "<p>a</p><math!>\nx\n</math><p>b</p>"],
        ["- $$x$$\n- \\[y\\]", "<ul><li><math!>x</math></li><li><math!>y</math></li></ul>"],
        ["$\\text{a \\$ b}$", "<p><math>\\text{a \\$ b}</math></p>"],
        ["$a*b*c$", "<p><math>a*b*c</math></p>"],
        ["It costs $5 and $6, or $ 7 $.", "<p>It costs $5 and $6, or $ 7 $.</p>"],
        ["$5 to $6", "<p>$5 to $6</p>"],
        ["\\$x\\$", "<p>$x$</p>"],
        ["`$x$`", "<p><code>$x$</code></p>"],
        ["```\n$$x$$\n```", "<code !>$$x$$</code>"],
        ["$$x", "<math!?>x</math>"],
        ["$$x\n\nand more", "<p>$$x</p><p>and more</p>"],
        ["$$ $$", "<p>$$ $$</p>"],
        ["$$a$$ b", "<p><math!>a</math> b</p>"],
        ["\\(x", "<p>(x</p>"]
    ])("math: %j", (text, expected) => expect(look(marksOf(text))).toBe(expected));
});

describe("links", () => {
    test.each(["https://a.b/c?d#e", "http://a.b/", "mailto:a@b.c"])("%s", (link) => expect(safeLink(link)).toBe(link));
    test.each([
        "javascript:x",
        "JAVASCRIPT:x",
        " javascript:x",
        "java\tscript:x",
        "\u0001javascript:x",
        "data:text/html,x",
        "vbscript:x",
        "file:///x",
        "blob:https://a.b/c",
        "//a.b",
        "/a",
        "#a",
        "a",
        "",
        "https://a@b.c/",
        "https://a:b@c.d/",
        "https://",
        `https://a.b/${"c".repeat(3000)}`
    ])("not %j", (link) => expect(safeLink(link)).toBeNull());
});

describe("a text that grows", () => {
    const texts = [
        "a\n\nb $x$\n\n$$\ny\n= z\n$$\n\n- c\n- d\n\n  e\n\n```js\nf\n\ng\n```\nh\n===\n\n| i |\n| - |\n| j |\n\n[k][l]\n\n[l]: https://m.n/o\n\nend [k][l]",
        "1. a\r\n2. b\r\n\r\n> c\r\nd\r\n\r\n\r\ne",
        "\\[\nx\n\\]\ntext $a$ and \\(b\\) `c",
        "```\nnever closed\n\nreally"
    ];

    test.each(texts.flatMap((text) => [1, 2, 5, 13].map((step) => [text, step] as const)))(
        "%j by %i is what it is as a whole",
        (text, step) => {
            const stream = new BlockStream();
            const settled: Mark[] = [];
            for (let end = step; end < text.length + step; end += step) {
                const update = stream.update(text.slice(0, end), end >= text.length);
                settled.push(...update.settled.flat());
                if (end < text.length)
                    expect(update.settled.flat().filter((mark) => isMath(mark) && !mark.closed)).toEqual([]);
                else expect(update.open).toEqual([]);
            }
            const whole = new BlockStream().update(text, true).settled.flat();
            // a link's name may come behind its first use
            const named = (marks: readonly Mark[]): string =>
                look(marks).replace("<p><a https://m.n/o>k</a></p>", "<p>[k][l]</p>");
            expect(named(settled)).toBe(named(whole));
        }
    );

    test("every block settles once, and a long text is not parsed again and again", () => {
        const paragraphs = Array.from(
            { length: size(400, 4000) },
            (_, index) => `Paragraph ${index}, $x_{${index}}$.\n\n`
        );
        const stream = new BlockStream();
        let text = "";
        let blocks = 0;
        for (const paragraph of paragraphs) {
            text += paragraph;
            blocks += stream.update(text, false).settled.length;
        }
        blocks += stream.update(text, true).settled.length;
        expect(blocks).toBe(paragraphs.length);
    });
});

describe("hostile texts", () => {
    const tags = new Set("p h4 h5 h6 ul ol li blockquote hr table thead tbody tr th td strong em s br a".split(" "));

    test.each(hostileAnswers.map((text, index) => [index, text] as const))(
        "number %i: elements of the list alone, links that run nothing",
        (_, text) => {
            for (const mark of all(new BlockStream().update(text, true).settled.flat())) {
                if (typeof mark === "string" || mark.kind !== "element") continue;
                expect(tags.has(mark.tag)).toBe(true);
                if (mark.href !== undefined) expect(mark.href).toMatch(/^(?:https?:\/\/[^@]*|mailto:[^]*)$/);
            }
        }
    );

    test("marks of emphasis within each other are elements to a depth, and their text is there in any case", () => {
        const deep = (marks: readonly Mark[]): number =>
            Math.max(
                0,
                ...marks.map((one) => (typeof one === "object" && one.kind === "element" ? 1 + deep(one.children) : 0))
            );
        const marks = marksOf(`${"*".repeat(20_000)}a${"*".repeat(20_000)}`);
        // and the paragraph
        expect(deep(marks)).toBe(61);
        expect(
            all(marks)
                .filter((one) => typeof one === "string")
                .join("")
        ).toBe("a");
        expect(deep(marksOf(`${"*".repeat(40)}a${"*".repeat(40)}`))).toBe(21);
    });

    // Slack of a hundred times: what these would take if each mark looked at all that follows is minutes.
    test.each(
        [
            "$a ",
            "$$",
            "\\(",
            "\\[",
            "\\[\n",
            "$$\n",
            "$$x\n",
            "[",
            "![",
            "*",
            "_",
            "`",
            "<",
            "|",
            "> ",
            "- ",
            "a\n",
            "&",
            "\\",
            "(",
            "[a](",
            "**a "
        ].map((unit) => [unit])
    )("%j a hundred thousand times is read at once", (unit) => {
        const started = Date.now();
        new BlockStream().update(unit.repeat(Math.ceil(size(60_000, 300_000) / unit.length)), true);
        expect(Date.now() - started).toBeLessThan(5000);
    });
});
