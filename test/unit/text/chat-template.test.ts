import { describe, expect, test } from "vitest";
import { applyChatTemplate } from "../../../src/text/chat-template.js";
import { templateLimits, templateThreads } from "../../../src/text/template-thread.js";

const chatml =
    "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}" +
    "{%- else %}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{%- endif %}" +
    "{%- for message in messages %}{%- if (message.role == 'user') or (message.role == 'system' and not loop.first) or " +
    "(message.role == 'assistant') %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}" +
    "{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

const llama3 =
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + " +
    "message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}" +
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}" +
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";

const tokens = { bosToken: "<|begin_of_text|>", eosToken: "<|end_of_text|>" };
const question = { role: "user", content: "What is 1+1?" };

describe("applyChatTemplate", () => {
    test("ChatML, with its own system message and with the caller's", async () => {
        expect(await applyChatTemplate(chatml, [question], tokens)).toBe(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" +
                "<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
        );
        expect(await applyChatTemplate(chatml, [{ role: "system", content: "Be brief." }, question], tokens)).toBe(
            "<|im_start|>system\nBe brief.<|im_end|>\n" +
                "<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
        );
    });

    test("Llama 3, with the beginning token", async () => {
        const answer = { role: "assistant", content: " 2 " };
        expect(await applyChatTemplate(llama3, [question, answer, question], tokens)).toBe(
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhat is 1+1?<|eot_id|>" +
                "<|start_header_id|>assistant<|end_header_id|>\n\n2<|eot_id|>" +
                "<|start_header_id|>user<|end_header_id|>\n\nWhat is 1+1?<|eot_id|>" +
                "<|start_header_id|>assistant<|end_header_id|>\n\n"
        );
    });

    test("without a template it says what to do", async () => {
        await expect(applyChatTemplate(null, [question], tokens)).rejects.toThrow(
            expect.objectContaining({
                code: "ERR_CHAT_TEMPLATE",
                message: expect.stringContaining("pass it as prompt")
            })
        );
    });

    test.each([["{% if %}"], ["{{ raise_exception('no system role') }}"]])(
        "a template that fails is ERR_CHAT_TEMPLATE: %s",
        async (template) => {
            await expect(applyChatTemplate(template, [question], tokens)).rejects.toThrow(
                expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" })
            );
        }
    );

    test.each([
        [undefined],
        [[]],
        ["Hi"],
        [[null]],
        [[{ role: "user" }]],
        [[{ role: "", content: "x" }]],
        [[{ role: 1, content: "x" }]],
        [[question, { role: "user", content: ["x"] }]]
    ])("messages of the wrong shape are ERR_INVALID_OPTION: %j", async (messages) => {
        await expect(applyChatTemplate(chatml, messages as never, tokens)).rejects.toThrow(
            expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringContaining("messages") })
        );
    });
});

describe("messages to the letter", () => {
    test.each<[unknown, string]>([
        [undefined, "Expected an array with at least one message for messages, received undefined."],
        [[], "Expected an array with at least one message for messages, received an array of 0."],
        ["Hi", 'Expected an array with at least one message for messages, received "Hi" (string).'],
        [[question, 5], "Expected an object with role and content for messages[1], received 5 (number)."],
        [[[]], "Expected an object with role and content for messages[0], received an array of 0."],
        [[{ content: "x" }], "Expected a string for messages[0].role, received undefined."],
        [[{ role: "user", content: 7 }], "Expected a string for messages[0].content, received 7 (number)."],
        [[{ role: "user", content: null }], "Expected a string for messages[0].content, received null."],
        [
            [{ role: "user", content: [] }],
            "Expected a string or at least one part for messages[0].content, received an array of 0."
        ],
        [
            [{ role: "user", content: [{ type: "image_url", image_url: {} }] }],
            'Expected { type: "text", text } for messages[0].content[0], as models here read texts alone, received an object.'
        ],
        [
            [{ role: "user", content: [{ type: "text", text: "a" }, { type: "text" }] }],
            "Expected a string for messages[0].content[1].text, received undefined."
        ],
        [
            [{ role: "assistant", tool_calls: "x" }],
            'Expected an array for messages[0].tool_calls, or a content, received "x" (string).'
        ],
        [
            [{ role: "assistant", content: null, tool_calls: {} }],
            "Expected an array for messages[0].tool_calls, or a content, received an object."
        ],
        [[{ role: "", content: "" }], 'Expected a string that is not empty for messages[0].role, received "" (string).']
    ])("%j", async (messages, message) => {
        await expect(applyChatTemplate(chatml, messages as never, tokens)).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION",
            message,
            details: { option: "messages" }
        });
    });

    test("messages are looked at before the template is; an empty content is one", async () => {
        await expect(applyChatTemplate(null, [], tokens)).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        await expect(applyChatTemplate(null, [question], tokens)).rejects.toMatchObject({
            message: "The base model's file has no chat template. Write the conversation out and pass it as prompt."
        });
        expect(await applyChatTemplate("{{ messages[0].content }}|", [{ role: "user", content: "" }], tokens)).toBe(
            "|"
        );
    });

    test("advice fits the fault: what is too long, what has no content", async () => {
        const small = { ...templateLimits, maxLength: 40 };
        await expect(
            applyChatTemplate("{{ messages[0].content }}", [{ role: "user", content: "b".repeat(41) }], tokens, small)
        ).rejects.toMatchObject({
            message: expect.stringContaining("characters. Shorten the messages, or write the conversation out")
        });
        const silent = { role: "assistant", tool_calls: [{ function: { name: "f", arguments: "{bad" } }] };
        await expect(applyChatTemplate(chatml, [question, silent], tokens)).rejects.toMatchObject({
            message: expect.stringContaining("messages[1] has no content, which this template may need")
        });
    });

    test("a message whose role the template does not know is not lost without a word", async () => {
        const wizard = { role: "wizard", content: "Abracadabra" };
        await expect(applyChatTemplate(chatml, [question, wizard], tokens)).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE",
            message: expect.stringContaining('leaves messages[1] out: it does not know the role "wizard"')
        });
        const general = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}";
        expect(await applyChatTemplate(general, [wizard], tokens)).toBe("wizard:Abracadabra;");
        // A role of the template's own may be a setting.
        const setting = "{% if messages[0].role == 'wizard' %}on{% endif %}";
        expect(await applyChatTemplate(setting, [wizard], tokens)).toBe("on");
        expect(await applyChatTemplate(chatml, [question, { ...wizard, content: " " }], tokens)).toContain("1+1");
    });

    test("a template has the variables that transformers passes", async () => {
        const template = "{{ bos_token }} {{ eos_token }} {{ add_generation_prompt }} {{ messages | length }}";
        expect(await applyChatTemplate(template, [question, question], tokens)).toBe(
            "<|begin_of_text|> <|end_of_text|> True 2"
        );
        const nulls =
            "{{ tools is none }} {{ documents is none }} {{ date_string is defined }} {{ bos_token is defined }}";
        expect(await applyChatTemplate(nulls, [question], { bosToken: "", eosToken: "" })).toBe(
            "True True False False"
        );
    });

    test("a message that only calls tools needs no content", async () => {
        const call = { role: "assistant", tool_calls: [{ type: "function", function: { name: "f", arguments: {} } }] };
        const template = "{{ messages[0].content is none }} {{ messages[1].content is defined }}";
        expect(await applyChatTemplate(template, [{ ...call, content: null }, call], tokens)).toBe("True False");
    });

    test("what it refuses is said in its own words", async () => {
        await expect(applyChatTemplate("{{ raise_exception('no tools') }}", [question], tokens)).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE",
            message:
                "The base model's chat template failed at line 1: no tools. Give it the messages and templateOptions that it " +
                "asks for, or write the conversation out and pass it as prompt.",
            details: { line: 1 }
        });
        const messages = [{ ...question, call: () => 1 }];
        await expect(applyChatTemplate("x", messages, tokens)).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE",
            message: expect.stringMatching(/^The base model's chat template failed: .*could not be cloned/)
        });
    });
});

describe("limits are met exactly", () => {
    const small = { ...templateLimits, deadlineMs: 60_000, maxLength: 40, maxElements: 5 };
    const render = (template: string): Promise<string> => applyChatTemplate(template, [question], tokens, small);
    const failed = (what: string): object => ({
        message: expect.stringMatching(
            new RegExp(`^The base model's chat template failed( at line 1)?: ${what}\\. (Give it|Shorten the messages)`)
        )
    });

    test("texts", async () => {
        const half = "a".repeat(20);
        expect(await render(`{{ '${half}' ~ '${half}' }}`)).toHaveLength(40);
        await expect(render(`{{ '${half}' ~ '${half}' ~ 'b' }}`)).rejects.toMatchObject(
            failed("a text grew beyond 40 characters")
        );
        expect(await render("b".repeat(40))).toHaveLength(40);
        await expect(render("b".repeat(41))).rejects.toMatchObject({ code: "ERR_CHAT_TEMPLATE" });
    });

    test("ranges and lists", async () => {
        expect(await render("{{ range(5) | length }}")).toBe("5");
        await expect(render("{{ range(6) | length }}")).rejects.toMatchObject(failed("a range is longer than 5"));
        expect(await render("{{ range(0, 10, 2) | length }}")).toBe("5");
        await expect(render("{{ range(0, 12, 2) | length }}")).rejects.toMatchObject(
            failed("a range is longer than 5")
        );
        expect(await render("{{ ([1, 2] + [3, 4, 5]) | length }}")).toBe("5");
        await expect(render("{{ ([1, 2, 3] + [4, 5, 6]) | length }}")).rejects.toMatchObject(
            failed("a list grew beyond 5 elements")
        );
    });

    test("the deadline is of one rendering, and named in seconds", async () => {
        const endless = "{% for a in range(1000) %}".repeat(4) + "x" + "{% endfor %}".repeat(4);
        const within = { ...templateLimits, deadlineMs: 250 };
        const waiting = [1, 2].map(() => applyChatTemplate(endless, [question], tokens, within));
        const results = await Promise.allSettled(waiting);
        for (const result of results) {
            expect(result).toMatchObject({
                status: "rejected",
                reason: failed("it was not done after 0.25 s")
            });
        }
    });

    test("are those of the product where none are given", () => {
        expect(templateLimits).toEqual({
            deadlineMs: 5000,
            maxLength: 4_194_304,
            maxElements: 1_048_576,
            maxHeapBytes: 268_435_456
        });
    });
});

// Short, so that the tests are; deadlines of the product are longer.
const limits = { ...templateLimits, deadlineMs: 400 };

describe("a template that is a trap", () => {
    const loop = (body: string, times = 12): string =>
        Array.from({ length: times }, (_, i) => `{% for i${i} in range(1000) %}`).join("") +
        body +
        "{% endfor %}".repeat(times);

    test.each([
        ["loops in loops", loop("{% set x = 1 %}"), "it was not done after 0.4 s"],
        ["a long range", "{% for i in range(10**9) %}x{% endfor %}", "a range is longer than"],
        ["a long range downwards", "{{ range(0, -10**9, -1) | length }}", "a range is longer than"],
        [
            "a text that doubles",
            "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
            "a text grew beyond"
        ],
        [
            "a list that doubles",
            "{% set n = namespace(s=[1,2,3,4]) %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
            "a list grew beyond"
        ],
        [
            "many large texts",
            "{% set n = namespace(s='xxxxxxxx', all=[]) %}{% for i in range(18) %}{% set n.s = n.s ~ n.s %}{% endfor %}" +
                "{% for i in range(100000) %}{% set n.all = n.all + [(n.s ~ i) | upper] %}{% endfor %}",
            /more than 256 MiB of memory|not done/
        ],
        ["a macro that calls itself", "{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}", "call stack"],
        ["deep nesting", "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}", "call stack"],
        ["spaces in front of tags", `${" ".repeat(400_000)}{{ 1 }}`, "not done"],
        ["a replacement of every letter", loop("{{ m | replace('', m) }}", 3), /./],
        ["an unknown function", "{{ messages.constructor.constructor('return process')() }}", /./],
        ["a throw of nothing", "{{ raise_exception() }}", /./]
    ])("%s", async (_, template, message) => {
        const short = String(message).includes("not done");
        const within = short ? limits : { ...templateLimits, deadlineMs: 60_000 };
        const failure = await applyChatTemplate(template, [question], tokens, within).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "ERR_CHAT_TEMPLATE" });
        if (typeof message === "string") expect((failure as Error).message).toContain(message);
        else expect((failure as Error).message).toMatch(message);
        // the next one is served
        expect(await applyChatTemplate("{{ messages[0].content }}", [question], tokens)).toBe(question.content);
    });

    test("others are served, and the event loop goes on meanwhile", async () => {
        let turns = 0;
        const turning = setInterval(() => ++turns, 5);
        const trapped = applyChatTemplate(loop("x"), [question], tokens, limits);
        const behind = [1, 2, 3].map((n) => applyChatTemplate(`{{ ${n} }}`, [question], tokens));
        await expect(trapped).rejects.toMatchObject({ code: "ERR_CHAT_TEMPLATE" });
        expect(await Promise.all(behind)).toEqual(["1", "2", "3"]);
        clearInterval(turning);
        expect(turns).toBeGreaterThan(10);
    });

    test("keys with names of prototypes are keys", async () => {
        const message = JSON.parse('{"role":"user","content":"x","__proto__":{"evil":1},"constructor":"c"}') as never;
        const template = "{{ messages[0].constructor }} {{ messages[0].__proto__.evil }} {{ messages[0].evil }}|";
        expect(await applyChatTemplate(template, [message], tokens)).toBe("c 1 |");
    });

    test("a conversation of a million characters is written out", async () => {
        const content = "word ".repeat(2000);
        const messages = Array.from({ length: 100 }, () => ({ role: "user", content }));
        expect((await applyChatTemplate(chatml, messages, tokens)).length).toBeGreaterThan(1_000_000);
    });
});

describe("templates that take long", () => {
    const endless = (n: number): string =>
        `{% for a in range(1000000) %}{% for b in range(1000000) %}{% endfor %}{% endfor %}${n}`;
    const limits = { ...templateLimits, deadlineMs: 1500 };

    test("hold nobody else's up", async () => {
        const slow = Array.from({ length: 4 }, (_, n) => templateThreads.render(endless(n), {}, limits));
        let ended = 0;
        for (const one of slow) void one.then(() => (ended += 1));
        expect(await templateThreads.render("{{ 1 + 1 }}", {})).toMatchObject({ text: "2" });
        expect(ended).toBe(0);
        for (const one of await Promise.all(slow)) expect(one).toEqual({ failure: "it was not done after 1.5 s" });
    });

    test("wait for each other, and are done in their order", async () => {
        const done: number[] = [];
        const all = Array.from({ length: 40 }, async (_, n) => {
            const made = await templateThreads.render(`{{ n }} of ${n % 10}`, { n });
            expect(made).toMatchObject({ text: `${n} of ${n % 10}` });
            done.push(n);
        });
        await Promise.all(all);
        for (let kind = 0; kind < 10; ++kind) {
            expect(done.filter((n) => n % 10 === kind)).toEqual([kind, kind + 10, kind + 20, kind + 30]);
        }
    });
});

describe("a template that took too much memory", () => {
    test("leaves nothing of it to the next", async () => {
        const limits = { ...templateLimits, maxHeapBytes: 32 * 2 ** 20 };
        const failed = await templateThreads.render(
            "{% set all = text | list %}{% for letter in all %}{% endfor %}",
            { text: "x".repeat(600_000) },
            limits
        );
        expect(failed).toMatchObject({ failure: expect.stringContaining("MiB of memory") });
        for (let i = 0; i < 20; ++i) {
            const small = await templateThreads.render("{% for n in range(300) %}{{ n }}{% endfor %}", {}, limits);
            expect(small).toMatchObject({ text: expect.stringContaining("298299") });
        }
    });
});

describe("a last message that goes on", () => {
    const template =
        "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|end|>{% endfor %}";
    const continued = (content: string, user = "x"): Promise<string> =>
        applyChatTemplate(
            template,
            [
                { role: "user", content: user },
                { role: "assistant", content }
            ],
            { ...tokens, continueFinalMessage: true }
        );

    test("has the empty thought that the template writes, but not in front of a thought", async () => {
        const empty = "<think>\n\n</think>\n\n";
        expect(await continued("It is")).toBe(`<|user|>x<|end|><|assistant|>${empty}It is`);
        expect(await continued("<think>\n12 ")).toBe("<|user|>x<|end|><|assistant|><think>\n12 ");
        expect(await continued("[THINK]12")).toBe(`<|user|>x<|end|><|assistant|>${empty}[THINK]12`);
        // what a person wrote stays
        const words = "{% for m in messages %}{{ m.content }}{% endfor %}";
        const messages = [
            { role: "user", content: empty },
            { role: "assistant", content: "<think>a" }
        ];
        const input = { ...tokens, continueFinalMessage: true };
        expect(await applyChatTemplate(words, messages, input)).toBe(`${empty}<think>a`);
    });
});
