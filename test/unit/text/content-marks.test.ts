// Which letters of a rendered text are the caller's: by every way that a template has with a text.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderChat } from "../../../src/text/chat-template.js";
import { templateLimits, templateThreads, type RenderedText } from "../../../src/text/template-thread.js";
import { root } from "../../support/native.js";
import { bundledModels } from "../../support/vocabularies.js";

const tokens = { bosToken: "<s>", eosToken: "</s>" };

/** The text with « and » around the caller's words. */
function shown({ text, marks }: RenderedText): string {
    let [at, out] = [0, ""];
    for (const [from, to] of marks) {
        expect(from).toBeGreaterThanOrEqual(at);
        expect(to).toBeGreaterThan(from);
        out += `${text.slice(at, from)}«${text.slice(from, to)}»`;
        at = to;
    }
    expect(at).toBeLessThanOrEqual(text.length);
    return out + text.slice(at);
}

async function render(template: string, content: string, more: object = {}): Promise<string> {
    return shown(await renderChat(template, [{ role: "user", content, ...more }], tokens));
}

test("keys that are the caller's stay so in a copy", async () => {
    const more = { more: { "<|x|>": 1 } };
    for (const given of ["m.more", "dict(m.more)"]) {
        const template = `{% set m = messages[0] %}{% for k in ${given} %}{{ k }}{% endfor %}|`;
        expect(await render(template, "a", more)).toBe("«<|x|>»|");
    }
});

describe("a content keeps its marks through", () => {
    test.each([
        ["<|a|>{{ m.content }}<|b|>", "x", "<|a|>«x»<|b|>"],
        ["{{ '<' + m.content + '>' }}", "x", "<«x»>"],
        ["{{ '<' ~ m.content ~ 1 }}", "x", "<«x»1"],
        ["{{ m.content | trim }}|", "  x \n", "«x»|"],
        ["{{ ('<' + m.content + '>').strip('<>') }}|", "<x>", "«x»|"],
        ["{{ (' <' + m.content + '> ').lstrip() }}|", "x", "<«x»> |"],
        ["{{ m.content.split('</think>')[-1] }}|", "a</think>b", "«b»|"],
        ["{{ ('<think>' + m.content).split('</think>')[0] }}|", "a</think>b", "<think>«a»|"],
        ["{{ m.content.split('ab', 1) | join('-') }}", "xabbabc", "«x»-«babc»"],
        ["{{ m.content.rsplit('ab', 1) | join('-') }}", "xabbabc", "«xabb»-«c»"],
        ["{{ ('k ' + m.content).split() | join('-') }}", "a  b", "«k»-«a»-«b»"],
        ["{{ m.content.splitlines() | join('|') }}", "a\nb\r\nc", "«a»|«b»|«c»"],
        ["{{ ('[' + m.content + ']').replace('a', '<a>') }}", "bab", "[«b»<a>«b»]"],
        ["{{ '[X][X]' | replace('X', m.content) }}", "b", "[«b»][«b»]"],
        ["{{ '[X][X]'.replace('X', m.content, 1) }}", "b", "[«b»][X]"],
        ["{{ ('[' + m.content + ']') | upper }}", "ab", "[«AB»]"],
        ["{{ ('[' + m.content + ']') | upper }}", "ß", "«[SS]»"],
        ["{{ (m.content + '!') | capitalize }}", "aB", "«Ab»!"],
        ["{{ ('[' + m.content + ']')[1:-1] }}|", "ab", "«ab»|"],
        ["{{ ('[' + m.content + ']')[::-1] }}", "ab", "]«ba»["],
        ["{{ m.content.split('a') | join('<') }}{{ '' ~ m.content[2:2] ~ '<' }}", "aba", "<«b»<<"],
        ["{{ m.content[0] }}{{ m.content[-1] }}|", "a\u{1F600}", "«a\u{1F600}»|"],
        ["{% for c in '<' + m.content %}{{ c }}.{% endfor %}", "ab", "<.«a».«b»."],
        ["{{ m.content | tojson }}|", 'a"', '«"a\\""»|'],
        [
            "{{ {'k': [m.content], 'l': 1} | tojson }}|{{ {'k': 'v'} | tojson }}",
            "a",
            '«{"k": ["a"], "l": 1}»|{"k": "v"}'
        ],
        ["{{ [m.content, '<'] }}|{{ ['<'] }}", "a", "«['a', '<']»|['<']"],
        ["{{ [m.content, '<'] | join('-') }}", "a", "«a»-<"],
        ["{{ '-'.join(['<', m.content]) }}", "a", "<-«a»"],
        ["{{ [m.content, '<'] | last }}{{ [m.content, '<'] | first }}", "a", "<«a»"],
        ["{{ '<{}{0}{{{x}>'.format(m.content, x=m.content) }}", "a", "<«aa»{«a»>"],
        ["{{ 'ab'.removeprefix('a') }}{{ ('<' + m.content).removeprefix('<') }}", "x", "b«x»"],
        ["{{ ('<' + m.content).removesuffix('x') }}{{ m.content * 3 }}", "x", "<«xxx»"],
        ["{{ ('<\\n' + m.content) | indent }}|", "x", "«<\n    x»|"],
        ["{{ strftime_now(m.content) }}|", "<x>", "«<x>»|"],
        ["{{ m.content | string | safe }}{{ m.content | default('<') }}{{ nope | default('<') }}", "x", "«xx»<"],
        ["{{ m.content | e }}{{ '<' | e }}", "<", "«&lt;»&lt;"],
        ["{{ m.content if m.content else '<' }}|", "x", "«x»|"],
        ["{% set x = '<' + m.content %}{% set y %}[{{ x }}]{% endset %}{{ y }}", "x", "[<«x»]"],
        [
            "{% macro f(x, y='<') %}({{ x }}{{ y }}){% endmacro %}{{ f(m.content) }}{{ f(y=m.content, x='>') }}",
            "x",
            "(«x»<)(>«x»)"
        ],
        ["{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}{{ m.content }}{% endcall %}", "x", "<«x»>"],
        ["{% filter upper %}<b>{{ m.content }}{% endfilter %}", "x", "<B>«X»"],
        [
            "{% set ns = namespace(t='') %}{% for i in [1, 2] %}{% set ns.t = ns.t + '<' + m.content %}{% endfor %}{{ ns.t }}",
            "x",
            "<«x»<«x»"
        ],
        [
            "{% for i in [1, 2] %}<{{ m.content }}{% if i == 1 %}{% continue %}{% endif %}>{% break %}{% endfor %}|",
            "x",
            "<«x»<«x»>|"
        ],
        ["{% for k, v in {m.content: '<'}.items() %}{{ k }}{{ v }}{% endfor %}", "x", "«x»<"],
        ["{{ ['b', m.content] | sort | join }}{{ [m.content, 'b'] | unique | list | join }}", "x", "b«xx»b"],
        [
            "{{ messages | map(attribute='content') | join }}|{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join }}",
            "x",
            "«x»|«x»"
        ]
    ])("%s", async (template, content, expected) => {
        expect(await render(`{% set m = messages[0] %}${template}`, content)).toBe(expected);
    });
});

describe("texts that take work", () => {
    // what is tried is the kind of work and its memory; a busy machine takes its time
    const patient = { ...templateLimits, deadlineMs: 60_000 };
    const long = "ab\u{1F600}".repeat(250_000);
    const of = async (template: string, content: string): Promise<RenderedText> =>
        renderChat(`{% set c = messages[0].content %}${template}`, [{ role: "user", content }], tokens, patient);

    test.each([
        ["an item of a long one, many times", "{% for i in range(50) %}{{ ('x' ~ c)[0] }}{{ c[-1] }}{% endfor %}", 150],
        ["a letter of a growing one", "{% set x = 'x' ~ c %}{% for i in range(2000) %}{{ x[3] }}{% endfor %}", 4000],
        ["the rest of a long one", "{% set x = 'x' ~ c %}{{ x[1:] }}{{ x[:-1] | length }}", 1_000_000 + 6],
        ["a long one backwards", "{{ ('x' ~ c)[::-1] }}", 1_000_001],
        ["its first and last letter", "{% set x = 'x' ~ c %}{{ x | first }}{{ x | last }}", 3],
        ["joined with nothing between", "{{ ''.join('x' ~ c) }}", 1_000_001]
    ])("%s", async (_, template, length) => {
        const { text, marks } = await of(template, long);
        expect(text).toHaveLength(length);
        expect(marks.length).toBeGreaterThan(0);
    });

    test.each(["ns.s ~ 'a' ~ c", "c ~ 'a' ~ ns.s", "ns.s + 'a' + c"])(
        "one that grows by alternating pieces: %s",
        async (grown) => {
            const count = 20_000;
            const loop = `{% for i in range(${count}) %}{% set ns.s = ${grown} %}{% endfor %}`;
            // put in front, all marks move with every piece: fewer of them
            const template = `{% set ns = namespace(s='') %}${grown.startsWith("c") ? loop.replace(`${count}`, "2000") : loop}{{ ns.s }}`;
            const { text, marks } = await of(template, "b");
            expect(marks).toHaveLength(text.length / 2);
            const first = text.startsWith("b") ? 0 : 1;
            expect(marks.every(([from, to, kind], i) => from === 2 * i + first && to === from + 1 && kind === 1)).toBe(
                true
            );
        }
    );

    test("two texts that grow from one keep their own marks", async () => {
        const template =
            "{% set a = '<' ~ c %}{% set b = a ~ c %}{% set d = a ~ '|' ~ c %}{% set e = a ~ c %}{% set f = a ~ a ~ a %}" +
            "{{ a }} {{ b }} {{ d }} {{ e }} {{ f }} {{ a ~ 'zz' }}";
        expect(shown(await of(template, "x"))).toBe("<«x» <«xx» <«x»|«x» <«xx» <«x»<«x»<«x» <«x»zz");
    });

    test("a hundred thousand marks are looked through without harm", async () => {
        const template = "{% set x = c.replace('-', '<') %}{{ [x] | tojson | length }} {{ x | upper | length }}";
        expect((await of(template, "a-".repeat(150_000))).text).toBe("300004 300000");
    });

    test("slices are Python's", async () => {
        const letters = ["<", "a", "\u{1F600}", "b", "\u{1F601}", "c", ">"];
        const bounds = ["", -9, -7, -3, -1, 0, 1, 4, 7, 9];
        const cases = bounds.flatMap((start) =>
            bounds.flatMap((stop) => ["", 1, 2, -1, -3].map((step) => ({ start, stop, step })))
        );
        const template = cases
            .map(({ start, stop, step }) => `{{ ('<' ~ c ~ '>')[${start}:${stop}:${step}] }}`)
            .join("|");
        const made = await of(template, letters.slice(1, -1).join(""));
        const expected = cases.map(({ start, stop, step: given }) => {
            const step = given === "" ? 1 : Number(given);
            const at = (bound: string | number, otherwise: number, low: number, high: number): number =>
                bound === ""
                    ? otherwise
                    : Math.min(high, Math.max(low, Number(bound) < 0 ? Number(bound) + 7 : Number(bound)));
            const [low, high] = step > 0 ? [0, 7] : [-1, 6];
            const from = at(start, step > 0 ? 0 : 6, low, high);
            const to = at(stop, step > 0 ? 7 : -1, low, high);
            let text = "";
            for (let i = from; step > 0 ? i < to : i > to; i += step) text += letters[i]!;
            return text.replace(/[^<>]+/g, (words) => `«${words}»`);
        });
        expect(shown(made).split("|")).toEqual(expected);
    });

    test.each([
        ["{{ ''.join(c) }}", "ab", "«ab»"],
        ["{{ '-'.join(c) }}", "ab", "«a»-«b»"],
        ["{{ ''.join([]) }}|", "ab", "|"],
        ["{{ ', '.join({'k': 1, 'l': 2}) }}", "", "k, l"]
    ])("%s", async (template, content, expected) => {
        expect(shown(await of(template, content))).toBe(expected);
    });

    test.each([
        ["{{ ''.join([1]) }}", "join() takes texts, and item 0 is none"],
        ["{{ ''.join() }}", "join() asks for what is to be joined"],
        ["{{ ''.join(5) }}", "is nothing to loop over"],
        ["{{ c[::0] }}", "slice step cannot be zero"],
        ["{{ c['a':] }}", "a slice's bounds are numbers"]
    ])("%s is refused", async (template, said) => {
        await expect(of(template, "ab")).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE",
            message: expect.stringContaining(said)
        });
    });
});

describe("the caller's words are", () => {
    test("what else a message holds, keys too, but for a role of plain letters", async () => {
        const template =
            "{% set m = messages[0] %}<|{{ m.role }}|>{{ m.name }}-{{ m.calls | tojson }}-" +
            "{% for k in m.calls[0] %}{{ k }}{% endfor %}-{{ m.reasoning_content }}";
        const more = { name: "n", calls: [{ "<|k|>": 1 }], reasoning: "r" };
        expect(await render(template, "", more)).toBe('<|user|>«n»-«[{"<|k|>": 1}]»-«<|k|>»-«r»');
        const odd = await renderChat("<{{ messages[0].role }}>", [{ role: "a|><|b", content: "" }], tokens);
        expect(shown(odd)).toBe("<«a|><|b»>");
    });

    test("variables of the template, but for special tokens by name and settings in a word", async () => {
        const templateOptions = {
            tools: [{ name: "<t>" }],
            pad_token: "<pad>",
            effort: "high",
            date: "<d>",
            bos_token: "<b>"
        };
        const template =
            "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ effort }}{{ date }}{{ tools[0].name }}{{ tools | tojson }}";
        const made = await renderChat(template, [{ role: "user", content: "x" }], { ...tokens, templateOptions });
        expect(shown(made)).toBe('<b></s><pad>high«<d><t>[{"name": "<t>"}]»');
    });

    test("parts of a content, for templates that read them; else a text with a line each", async () => {
        const content = [
            { type: "text" as const, text: "a" },
            { type: "text" as const, text: "b" }
        ];
        const reads = "{% for p in messages[0].content %}<{{ p.type }}>{{ p.text }}{% endfor %}";
        const of = async (template: string): Promise<string> =>
            shown(await renderChat(template, [{ role: "user", content }], tokens));
        expect(await of(reads)).toBe("<«text»>«a»<«text»>«b»");
        expect(await of("<{{ messages[0].content }}>")).toBe("<«a\nb»>");
        expect(
            await of(
                "{% macro f(content) %}{% for p in content if p %}{{ p.text }}.{% endfor %}{% endmacro %}{{ f(messages[0].content) }}"
            )
        ).toBe("«a».«b».");
    });
});

// What a template does to a text must not depend on whose it is.
test("marks change no text, and lie around the contents: every template of the bundle", async () => {
    const folder = join(bundledModels(), "templates");
    const { turns } = JSON.parse(readFileSync(join(root, "test", "support", "conversations.json"), "utf8")) as {
        turns: { messages: { role: string; content: string }[] };
    };
    const names = readdirSync(folder).filter((name) => name.endsWith(".jinja"));
    const injected = turns.messages.map((message) => ({
        ...message,
        content: message.content.replace(/\S/, "$&<|im_end|>")
    }));
    let rendered = 0;
    for (const name of names) {
        const template = readFileSync(join(folder, name), "utf8");
        const variables = { ...turns, messages: injected, tools: null, documents: null };
        const bare = await templateThreads.render(template, variables);
        const given = { names: ["messages"], continued: false };
        const marked = await templateThreads.render(template, variables, undefined, given);
        if ("failure" in bare || "failure" in marked) {
            expect({ name, ...marked }).toEqual({ name, ...bare });
            continue;
        }
        ++rendered;
        expect({ name, text: marked.text }).toEqual({ name, text: bare.text });
        // every end of a turn in the caller's words is marked, and none of the template's
        const inside = (at: number): boolean => marked.marks.some(([from, to]) => from <= at && at + 10 <= to);
        const theirs = marked.text.replaceAll("<|im_end|>", (_, at: number) => (inside(at) ? "" : "<|im_end|>"));
        const without = await templateThreads.render(template, { ...variables, messages: turns.messages });
        expect({ name, text: theirs }).toEqual({ name, text: "text" in without ? without.text : without });
        expect({ name, marks: marked.marks.length }).not.toEqual({ name, marks: 0 });
    }
    expect(rendered).toBeGreaterThan(55);
});
