// Where in a template something went wrong.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { templateThreads, type Rendering } from "../../../src/text/template-thread.js";
import { bundledModels } from "../../support/vocabularies.js";

const lineOf = (made: Rendering): number | string | undefined => ("failure" in made ? made.line : made.text);

describe("a template that fails names the line of the tag", () => {
    test.each<[string, number]>([
        ["a\nb {{ nope.x }}", 2],
        ["{# a\n{{ #}\n{%- if true -%}\n  {{ nope.x }}\n{%- endif %}", 4],
        ["{% if false %}\n{{ 1 }}\n{% elif nope.x %}\n{% endif %}", 3],
        ["{% if false %}\n{% else %}\n{% if nope.x %}{% endif %}\n{% endif %}", 3],
        ["{% for i in [1] %}\n{% set x = 1 %}{% set y %}\n{{ nope.x }}{% endset %}{% endfor %}", 3],
        ["{% for i in [] %}\n{% else %}\n{{ nope.x }}{% endfor %}", 3],
        ["{% for i in nope.x %}\n{% endfor %}", 1],
        ["{% macro f(x) %}\n{{ x.y.z }}{% endmacro %}\n{{ f({}) }}", 2],
        ["{% macro f() %}{{ caller() }}{% endmacro %}\n{% call f() %}\n{{ nope.x }}{% endcall %}", 3],
        ["{% filter upper %}\n{{ nope.x }}{% endfilter %}", 2],
        ["{{ '{{' }}\n{{ \"%}\" }}{{ ('a') }}\n{{ {'a': {'b': 1}}.a.b }}{{ nope.x }}", 3],
        ["{% generation %}\n{{ 'x' }}{% endgeneration %}\n{{ nope.x }}", 3],
        ["x\n{{\n  nope.x\n}}", 2],
        ["x\n{{ raise_exception('no') }}", 2],
        ["{% for i in [1] %}\n{% break %}{% endfor %}\n{{ nope.x }}", 3]
    ])("%j: %i", async (template, line) => {
        expect(lineOf(await templateThreads.render(template, {}))).toBe(line);
    });

    test.each<[string, number]>([
        ["a\n{% if %}\n{% endif %}", 2],
        ["a\n{{ 1 + }}", 2],
        ["a\n{{ 'a }}\nb", 2],
        ["a\n{{ 1 }}\n{{ ` }}\n{{ 1 }}", 3],
        ["a\n{% unknown %}", 2],
        ["a\n{% for x in y %}\n{{ x }}", 3],
        ["{{ 1 }}\n{% endif %}", 2]
    ])("and one that does not parse: %j: %i", async (template, line) => {
        expect(lineOf(await templateThreads.render(template, {}))).toBe(line);
        const facts = await templateThreads.facts(template);
        expect("failure" in facts && facts.line).toBe(line);
    });
});

test("the tags of every template of the bundle are told apart: a failure in the last line is one in the last line", async () => {
    const folder = join(bundledModels(), "templates");
    const messages = [{ role: "user", content: "Hi" }];
    for (const name of readdirSync(folder).filter((one) => one.endsWith(".jinja"))) {
        const template = readFileSync(join(folder, name), "utf8").trimEnd();
        const plain = await templateThreads.render(template, { messages, tools: null });
        if ("failure" in plain) continue;
        const lines = template.split("\n").length;
        const made = await templateThreads.render(`${template}\n{{ raise_exception("here") }}`, {
            messages,
            tools: null
        });
        expect({ name, ...made }).toEqual({ name, failure: "here", line: lines + 1 });
    }
});
