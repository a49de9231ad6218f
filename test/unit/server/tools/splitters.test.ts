// What is told from what families write: each text in one piece, letter by letter, and cut at random.
import { describe, expect, test } from "vitest";
import { ReadingSplitter, type AnswerReader } from "../../../../src/server/tools/calls.js";
import type { SplitPiece } from "../../../../src/server/tools/prepared-chat.js";
import {
    readDeepSeek,
    readFunctionary31,
    readFunctionary32,
    readGlm,
    readHarmony,
    readHermes,
    readKimi,
    readLlama,
    readMiniMax,
    readMistral,
    readXml
} from "../../../../src/server/tools/readers.js";
import { heavy } from "../../../support/size.js";

type Simple = string | { readonly name: string; readonly arguments: string };

const weather = { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } };
const parameters = new Map<string, Record<string, unknown> | undefined>([
    ["weather", weather],
    ["now", undefined]
]);

/** Texts and calls in their order, whatever the pieces were. */
function joined(pieces: readonly SplitPiece[]): Simple[] {
    const all: Simple[] = [];
    const calls: { name: string; arguments: string }[] = [];
    for (const piece of pieces) {
        if (piece.kind === "text") {
            const last = all.at(-1);
            if (typeof last === "string") all[all.length - 1] = last + piece.text;
            else all.push(piece.text);
        } else if (piece.kind === "toolCall") {
            expect(piece.call).toBe(calls.length);
            const call = { name: piece.name, arguments: "" };
            calls.push(call);
            all.push(call);
        } else {
            calls[piece.call]!.arguments += piece.text;
        }
    }
    return all;
}

function read(reader: AnswerReader, pieces: readonly string[], certain = false): Simple[] {
    let id = 0;
    const splitter = new ReadingSplitter(reader, () => `id${id++}`, { certain, parameters });
    return joined([...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()]);
}

// Mulberry32: the same cuts in every run.
function randomNumbers(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

function cut(text: string, random: () => number): string[] {
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) {
        const length = 1 + Math.floor(random() * random() * 12);
        pieces.push(text.slice(at, at + length));
        at += length;
    }
    return pieces;
}

const call = (args: string, name = "weather"): Simple => ({ name, arguments: args });
const rome = '{"city": "Rome"}';
const odd = '{"city": "\\u00e4 </tool_call> [1] }{ \\" \\\\", "n": [1, {"a": null}], "e": -1.5e3}';

const cases: Readonly<Record<string, readonly [AnswerReader, readonly (readonly [string, readonly Simple[]])[]]>> = {
    hermes: [
        readHermes,
        [
            ["Hello.", ["Hello."]],
            ["  Hello. \n", ["  Hello. \n"]],
            ["", []],
            [`<tool_call>\n{"name": "weather", "arguments": ${rome}}\n</tool_call>`, [call(rome)]],
            [
                `Let me see.\n\n<tool_call>\n{"name": "weather", "arguments": ${odd}}\n</tool_call>\n`,
                ["Let me see.", call(odd)]
            ],
            [
                `<tool_call>{"name":"weather","arguments":${rome}}</tool_call>\n<tool_call>{"name": "now"}</tool_call> and so on`,
                [call(rome), call("{}", "now"), " and so on"]
            ],
            // as models also write it
            [`<tool_call>{"arguments": ${rome}, "name": "weather"}</tool_call>`, [call(rome)]],
            [`<tool_call>{"name": "weather", "parameters": ${rome}}`, [call(rome)]],
            [
                `<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}</tool_call>`,
                [call('{"city": "Rome"}')]
            ],
            [`<tool_call>{"name": "other", "arguments": {}}</tool_call>`, [call("{}", "other")]],
            // none of them
            ["<tool_call>\nweather(Rome)\n</tool_call>", ["<tool_call>\nweather(Rome)\n</tool_call>"]],
            [
                '<tool_call>{"name": "weather", "arguments": {city: 1}}',
                ['<tool_call>{"name": "weather", "arguments": {city: 1}}']
            ],
            ['<tool_call>{"name": "weather", "argu', ['<tool_call>{"name": "weather", "argu']],
            ['<tool_call>{"name": 5, "arguments": {}}', ['<tool_call>{"name": 5, "arguments": {}}']],
            ['<tool_call>{"name": "w", "arguments": [1]}', ['<tool_call>{"name": "w", "arguments": [1]}']],
            ["a <tool_call", ["a <tool_call"]],
            ["a < b <t <tool_cal", ["a < b <t <tool_cal"]],
            [`<tool_call> <tool_call>{"name": "now", "arguments": {}}</tool_call>`, ["<tool_call>", call("{}", "now")]]
        ]
    ],
    mistral: [
        readMistral,
        [
            ["Hello [TOOL] [1]", ["Hello [TOOL] [1]"]],
            [`[TOOL_CALLS][{"name": "weather", "arguments": ${rome}}]`, [call(rome)]],
            [
                `[TOOL_CALLS] [{"name": "weather", "arguments": ${rome}, "id": "abcdefghi"}, {"name": "now", "arguments": {}}]`,
                [call(rome), call("{}", "now")]
            ],
            [`Yes.[TOOL_CALLS]weather[ARGS]${odd}`, ["Yes.", call(odd)]],
            [
                `[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]${rome}[TOOL_CALLS]now[ARGS]{}`,
                [call(rome), call("{}", "now")]
            ],
            [`[TOOL_CALLS]weather${rome}`, [call(rome)]],
            ["[TOOL_CALLS]weather[ARGS]{", ["[TOOL_CALLS]weather[ARGS]{"]],
            ["[TOOL_CALLS]", ["[TOOL_CALLS]"]],
            ["[TOOL_CALLS][]", ["[TOOL_CALLS][]"]],
            [`[TOOL_CALLS][{"name": "weather", "arguments": ${rome}}, {"name": }]`, [call(rome), ', {"name": }]']]
        ]
    ],
    "llama-3": [
        readLlama,
        [
            ["It is so.", ["It is so."]],
            [`{"name": "weather", "parameters": ${rome}}`, [call(rome)]],
            [` {"type": "function", "name": "weather", "parameters": ${rome}}`, [call(rome)]],
            [
                `{"name": "weather", "parameters": ${rome}}; {"name": "now", "parameters": {}}`,
                [call(rome), call("{}", "now")]
            ],
            [`<|python_tag|>{"name": "weather", "parameters": ${rome}}`, [call(rome)]],
            [`I look.<|python_tag|>{"name": "weather", "parameters": ${rome}}`, ["I look.", call(rome)]],
            // an answer in JSON
            ['{"name": "Rome", "people": 3}', ['{"name": "Rome", "people": 3}']],
            ['{"name": "Rome", "parameters": {}}', ['{"name": "Rome", "parameters": {}}']],
            ['{"name": "weather"}', ['{"name": "weather"}']],
            ['<|python_tag|>weather.call(city="Rome")', ['<|python_tag|>weather.call(city="Rome")']],
            ['see {"name": "weather", "parameters": {}}', ['see {"name": "weather", "parameters": {}}']],
            [`{"name": "weather", "parameters": ${rome}} That is all.`, [call(rome), " That is all."]],
            [" ", [" "]]
        ]
    ],
    "functionary 3.1": [
        readFunctionary31,
        [
            ["Hello <function", ["Hello <function"]],
            [`<function=weather>${odd}</function>`, [call(odd)]],
            [
                `First.\n<function=weather>${rome}</function><function=now>{}</function>`,
                ["First.", call(rome), call("{}", "now")]
            ],
            ["<function=weather>Rome</function>", ["<function=weather>Rome</function>"]],
            ["<function=>{}", ["<function=>{}"]]
        ]
    ],
    "functionary 3.2": [
        readFunctionary32,
        [
            ["all\nHello.", ["Hello."]],
            [`weather\n${rome}`, [call(rome)]],
            [`all\nI look.\n>>>weather\n${rome}>>>now\n{}`, ["I look.", call(rome), call("{}", "now")]],
            ["all\nA >>> B >>>", ["A >>> B >>>"]],
            ["Hello.", ["Hello."]],
            ["other\n{}", ["other\n{}"]],
            ["weather\nRome", ["weather\nRome"]],
            ["all", ["all"]]
        ]
    ],
    "qwen xml": [
        readXml("tool_call"),
        [
            ["Hello.", ["Hello."]],
            [
                "<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
                [call('{"city": "Rome", "days": 3}')]
            ],
            // a string that looks like a number is one all the same; of what is not listed JSON is taken as it is
            [
                "<tool_call><function=weather><parameter=city>12</parameter><parameter=x>[1, 2]</parameter></function></tool_call>",
                [call('{"city": "12", "x": [1, 2]}')]
            ],
            ["<tool_call>\n<function=now>\n</function>\n</tool_call>", [call("{}", "now")]],
            ["<tool_call>\n<function=now>\n<parameter=a>\nb", ["<tool_call>\n<function=now>\n<parameter=a>\nb"]],
            ["<tool_call>\nnow()", ["<tool_call>\nnow()"]],
            [
                'a\n\n<tool_call>\n<function=weather>\n<parameter=city>\nline\n  "two" <p>\n</parameter>\n</function>\n</tool_call>\n',
                ["a", call('{"city": "line\\n  \\"two\\" <p>"}')]
            ]
        ]
    ],
    glm: [
        readGlm,
        [
            ["Hello.", ["Hello."]],
            [
                "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
                [call('{"city": "Rome", "days": 3}')]
            ],
            [
                "I look.\n<tool_call>weather<arg_key>city</arg_key><arg_value>a <b>\nc</arg_value></tool_call>\n<tool_call>now</tool_call>",
                ["I look.", call('{"city": "a <b>\\nc"}'), call("{}", "now")]
            ],
            [
                "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_v",
                ["<tool_call>weather\n<arg_key>city</arg_key>\n<arg_v"]
            ],
            ["<tool_call>weather(Rome)</tool_call>", ["<tool_call>weather(Rome)</tool_call>"]]
        ]
    ],
    deepseek: [
        readDeepSeek,
        [
            ["Hello <｜tool", ["Hello <｜tool"]],
            [
                `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>${odd}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
                [call(odd)]
            ],
            [
                `I look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>${rome}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
                ["I look.", call(rome), call("{}", "now")]
            ],
            // until V3
            [
                `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n\`\`\`json\n${rome}\n\`\`\`<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n\`\`\`json\n{}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
                [call(rome), call("{}", "now")]
            ],
            ["<｜tool▁calls▁begin｜>weather", ["<｜tool▁calls▁begin｜>weather"]],
            [
                `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>${rome}<｜tool▁call▁end｜><｜tool▁call▁begin｜>x`,
                [call(rome), "<｜tool▁call▁begin｜>x"]
            ]
        ]
    ],
    kimi: [
        readKimi,
        [
            ["Hello.", ["Hello."]],
            [
                `I look.<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>${odd}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>`,
                ["I look.", call(odd), call("{}", "now")]
            ],
            [
                `<|tool_calls_section_begin|> <|tool_call_begin|> weather <|tool_call_argument_begin|> ${rome} <|tool_call_end|> <|tool_calls_section_end|>`,
                [call(rome)]
            ],
            ["<|tool_calls_section_begin|>", ["<|tool_calls_section_begin|>"]],
            [
                "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>Rome",
                ["<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>Rome"]
            ]
        ]
    ],
    minimax: [
        readMiniMax,
        [
            [
                'I look.\n<minimax:tool_call>\n<invoke name="weather">\n<parameter name="city">Rome</parameter>\n<parameter name="days">3</parameter>\n</invoke>\n<invoke name="now">\n</invoke>\n</minimax:tool_call>',
                ["I look.", call('{"city": "Rome", "days": 3}'), call("{}", "now")]
            ],
            ['<minimax:tool_call>\n<invoke name="weather">', ['<minimax:tool_call>\n<invoke name="weather">']]
        ]
    ],
    harmony: [
        readHarmony,
        [
            ["Hello to=functions", ["Hello to=functions"]],
            [`<|channel|>commentary to=functions.weather <|constrain|>json<|message|>${odd}`, [call(odd)]],
            [
                `I look.<|channel|>commentary to=functions.weather <|constrain|>json<|message|>${rome}<|call|>`,
                ["I look.", call(rome)]
            ],
            [` to=functions.weather<|channel|>commentary json<|message|>${rome}`, [call(rome)]],
            [`<|channel|>analysis to=functions.now code<|message|>{}`, [call("{}", "now")]],
            ["Send it to=functions.weather {}", ["Send it to=functions.weather {}"]],
            [
                "<|channel|>commentary to=functions.weather <|message|>Rome",
                ["<|channel|>commentary to=functions.weather <|message|>Rome"]
            ]
        ]
    ]
};

/** What else random texts are made of. */
const marks: Readonly<Record<string, readonly string[]>> = {
    glm: ["<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<tool_call>weather"],
    deepseek: ["calls▁begin", "call▁begin", "sep", "call▁end", "calls▁end"].map((word) => `<｜tool▁${word}｜>`),
    kimi: ["calls_section_begin", "call_begin", "call_argument_begin", "call_end"].map((word) => `<|tool_${word}|>`),
    minimax: [
        "<minimax:tool_call>",
        '<invoke name="now">',
        "</invoke>",
        '<parameter name="a">',
        "</minimax:tool_call>"
    ],
    harmony: ["<|channel|>", "commentary", " to=functions.", "<|message|>", "<|constrain|>", "now"]
};

describe.each(Object.entries(cases))("%s", (family, [reader, texts]) => {
    test.each(texts)("%j", (text, expected) => {
        expect(read(reader, [text])).toEqual(expected);
        expect(read(reader, [...text])).toEqual(expected);
        const random = randomNumbers(text.length + 1);
        for (let i = 0; i < (heavy ? 200 : 20); i++) expect(read(reader, cut(text, random))).toEqual(expected);
    });

    test("texts of pieces of calls: any cutting gives the same, and no letter is lost", () => {
        const random = randomNumbers(7);
        const words = [
            ...(marks[family] ?? []),
            ...[
                "<tool_call>",
                "</tool_call>",
                "[TOOL_CALLS]",
                "[ARGS]",
                "[CALL_ID]",
                "<|python_tag|>",
                "<function=",
                ">>>"
            ],
            ...[
                "all\n",
                "weather",
                "now\n",
                ">",
                "</function>",
                "<parameter=city>",
                "</parameter>",
                '{"name": "weather", '
            ],
            ...[
                '"arguments": ',
                '"parameters": ',
                rome,
                "}",
                "{",
                "[",
                "]",
                ", ",
                "\n",
                " ",
                "\\",
                '"',
                "a",
                "1",
                "é",
                "🙂"
            ]
        ];
        for (let i = 0; i < (heavy ? 20_000 : 1000); i++) {
            const text = Array.from(
                { length: Math.floor(random() * 14) },
                () => words[Math.floor(random() * words.length)]
            ).join("");
            const once = read(reader, [text]);
            expect(read(reader, cut(text, random)), text).toEqual(once);
            for (const one of once)
                if (typeof one !== "string") expect(() => JSON.parse(one.arguments) as unknown, text).not.toThrow();
            if (
                once.every((one) => typeof one === "string") &&
                !text.startsWith("all\n") &&
                !/>>>\s*all\n/.test(text)
            ) {
                expect(once.join(""), text).toBe(text);
            }
        }
    });
});

describe("where a grammar holds", () => {
    test("arguments come as they are drawn", () => {
        const splitter = new ReadingSplitter(readHermes, () => "id", { certain: true, parameters });
        expect(splitter.push('<tool_call>\n{"name": "weather", "arguments": ')).toEqual([]);
        expect(splitter.push('{"ci')).toEqual([
            { kind: "toolCall", call: 0, id: "id", name: "weather" },
            { kind: "toolArguments", call: 0, text: '{"ci' }
        ]);
        expect(splitter.push('ty": "Ro')).toEqual([{ kind: "toolArguments", call: 0, text: 'ty": "Ro' }]);
        expect(splitter.push('me"}}\n</tool_call>')).toEqual([{ kind: "toolArguments", call: 0, text: 'me"}' }]);
        expect(splitter.end()).toEqual([]);
    });

    test.each(Object.entries(cases))("%s: the same calls", (_, [reader, texts]) => {
        for (const [text, expected] of texts) {
            // what breaks off is none that a grammar would let through
            if (expected.some((one) => typeof one === "string" && /[{[<]/.test(one))) continue;
            expect(read(reader, [...text], true), text).toEqual(expected);
        }
    });

    test("Kimi's ids are the model's own, each once", () => {
        const one = (id: string): string => `<|tool_call_begin|>${id}<|tool_call_argument_begin|>{}<|tool_call_end|>`;
        const splitter = new ReadingSplitter(readKimi, () => "new", { certain: false, parameters });
        const pieces = splitter.push(
            `<|tool_calls_section_begin|>${one("functions.now:0")}${one("functions.now:0")}<|tool_calls_section_end|>`
        );
        expect(pieces.flatMap((piece) => (piece.kind === "toolCall" ? [[piece.id, piece.name]] : []))).toEqual([
            ["functions.now:0", "now"],
            ["new", "now"]
        ]);
    });

    test("a text that is cut off has the beginning of a call", () => {
        expect(read(readMistral, ["[TOOL_CALLS]weather[ARGS]", '{"city": "Ro'], true)).toEqual([call('{"city": "Ro')]);
    });
});

describe("time", () => {
    test("is as the length of a text, also of one that begins a thousand calls", () => {
        const text = '<tool_call>{"name": "weather", "arguments": {"city": "'.repeat(5000);
        const begun = performance.now();
        expect(read(readHermes, [...text])).toEqual([text]);
        // linear work takes a fraction of a second; quadratic work minutes
        expect(performance.now() - begun).toBeLessThan(20_000);
    });
});
