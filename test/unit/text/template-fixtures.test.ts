// Every chat template of llama.cpp's bundle with conversations of our own: what Python's jinja2 makes of them, set up as
// transformers does it (scripts/template-fixtures.py).
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { templateThreads } from "../../../src/text/template-thread.js";
import { root } from "../../support/native.js";
import { bundledModels } from "../../support/vocabularies.js";

type Outcome =
    { readonly text: string } | { readonly sha256: string; readonly length: number } | { readonly error: string };

const support = (name: string): unknown => JSON.parse(readFileSync(join(root, "test", "support", name), "utf8"));
const conversations = support("conversations.json") as Record<string, Record<string, unknown>>;
const { templates } = support("template-fixtures.json") as { templates: Record<string, Record<string, Outcome>> };
const folder = join(bundledModels(), "templates");

beforeEach(() => {
    vi.spyOn(Date, "now").mockReturnValue(new Date(2026, 2, 5, 14, 7, 9).getTime());
});
afterEach(() => {
    vi.restoreAllMocks();
});

test("no template of the bundle is left out", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".jinja"));
    expect(Object.keys(templates).sort()).toEqual(names.map((name) => name.replace(/\.jinja$/, "")).sort());
    expect(Object.keys(conversations)).toEqual(["plain", "turns", "tools", "reasoning", "odd"]);
});

describe("renders as jinja2 does", () => {
    const own = /^TemplateError: (.*)/s;

    test.each(Object.entries(templates))("%s", async (name, outcomes) => {
        const template = readFileSync(join(folder, `${name}.jinja`), "utf8");
        for (const [conversation, expected] of Object.entries(outcomes)) {
            const made = await templateThreads.render(template, conversations[conversation]!);
            if ("error" in expected) {
                // what the template itself raises to the letter
                const words = own.exec(expected.error)?.[1];
                const failure = words === undefined ? expect.any(String) : expect.stringContaining(words.slice(0, 60));
                expect({ conversation, ...made }).toEqual({ conversation, failure, line: expect.any(Number) });
                continue;
            }
            const text = "text" in made ? made.text : JSON.stringify(made);
            if ("text" in expected) expect({ conversation, text }).toEqual({ conversation, text: expected.text });
            else {
                const sha256 = createHash("sha256").update(text).digest("hex");
                expect({ conversation, sha256, start: text.slice(0, 80) }).toMatchObject({ sha256: expected.sha256 });
            }
        }
    });
});

// Each line is what Python says, by hand or from scripts/template-fixtures.py's environment.
describe("as Python has it", () => {
    test.each([
        ["{{ none }} {{ true }} {{ [1, 'a', none, {'k': \"it's\"}] }}", `None True [1, 'a', None, {'k': "it's"}]`],
        ["{{ 1 ~ none ~ true }} {{ 1.0 ~ '' }}", "1NoneTrue 1.0"],
        ["{{ {0: 'a', 512: 'b'}[512] }} {% for k, v in {0: 'a'}.items() %}{{ k + 1 }}{{ v }}{% endfor %}", "b 1a"],
        ["{{ '<{}|{}>'.format('a', 1) }} {{ '{1}{0}{{x}}{n}'.format(1, 2, n=3) }}", "<a|1> 21{x}3"],
        ["{{ none | selectattr('a') | list }} {{ nothing | map('upper') | list }}", "[] []"],
        ["{{ 'xxaxx'.strip('x') }} {{ '\\n a'.lstrip('\\n') }}| {{ 'a\\n\\n'.rstrip('\\n') }}|", "a  a| a|"],
        ["{% for x in [1, 2, 3] %}{{ x }}{% if x == 2 %}{% break %}{% endif %},{% endfor %}", "1,2"],
        ["{% for x in [1, 2] %}{% if y is defined %}!{% endif %}{% set y = 1 %}{% endfor %}", ""],
        ["{% for x in nothing %}x{% else %}none{% endfor %} {% for c in 'é😀' %}{{ c }}.{% endfor %}", "none é.😀."],
        ["{{ '😀a' | length }} {{ '😀a'[1] }} {{ -7 % 3 }} {{ 1 == '1' }} {{ [1] == [1] }}", "2 a 2 False True"],
        ["{{ [1, 2] | sum }} {{ 'b' > 'a' }} {{ 1 + true }} {{ 'a.b.c'.rsplit('.', 1) }}", "3 True 2 ['a.b', 'c']"],
        ["{{ dict(a=1) }} {{ '<' | e }} {{ [{'x': 1}] | join(', ', attribute='x') }}", "{'a': 1} &lt; 1"],
        ["{{ none == nothing }} {{ 'a' in {'a': 1} }} {{ 1 in [1.0] }}", "False True True"],
        ["{{ {'items': 1}['items'] }} {{ {'items': 1}.items() | list }}", "1 [('items', 1)]"],
        ["{{ '<'|safe + '<' }} {{ '<'|safe ~ '<' }}", "<&lt; <<"],
        ["{{ {'a': (1, 2), 3: none} | tojson }}", '{"a": [1, 2], "3": null}'],
        ["{{ [3, 1, 2] | min }}{{ [3, 1] | max }} {{ ['a', 1] | join('-') }}", "13 a-1"],
        [
            "{{ strftime_now('%Y-%m-%d %-d %b %B %A %H:%M:%S %I %p %j %y %%') }}",
            "2026-03-05 5 Mar March Thursday 14:07:09 02 PM 064 26 %"
        ],
        ["{{ [{'a': 1}, {'b': 2}] | rejectattr('a', 'defined') | list }}", "[{'b': 2}]"]
    ])("%s", async (template, text) => {
        expect(await templateThreads.render(template, {})).toMatchObject({ text });
    });

    test.each([
        ["{{ nothing.more }}", "undefined: nothing"],
        ["{{ 'a' + 1 }}", "with +"],
        ["{{ 3 > 2 > 1 }}", "Unknown operator"],
        ["{% for x in none %}{% endfor %}", "nothing to loop over"],
        ["{{ 'a' in none }}", "nothing to loop over"],
        ["{{ [1] | map('string') | tojson }}", "made a list"],
        ["{{ nothing | tojson }}", "undefined"],
        ["{{ '{}'.format() }}", "nothing is given"]
    ])("%s fails", async (template, what) => {
        expect(await templateThreads.render(template, {})).toEqual({ failure: expect.stringContaining(what), line: 1 });
    });
});
