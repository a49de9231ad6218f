// Problems with the answers of all side by side.
import type { Example, ExampleKind, Voice } from "../../eval/examples.js";
import type { Asking } from "../../eval/run.js";
import { isCorrect, type DemoProblem } from "../../eval/sums.js";
import type { Answer } from "../../eval/task.js";
import type { CommandIo } from "../io.js";
import { painter } from "../output.js";
import type { ShownPair } from "./pairs.js";

const inWords = /^[A-Z]/;
const besideThePoint = / sees /;
const inFigures = /^\d/;

const kindsOfTwo: readonly ExampleKind[] = [
    {
        where: "the base is wrong and RAST is right with either pair",
        wording: besideThePoint,
        wrong: ["base"],
        right: ["weakRast", "strongRast"]
    },
    {
        where: "the base and the weak pair's expert are wrong and RAST with them is right",
        wording: inWords,
        wrong: ["base", "weakExpert"],
        right: ["weakRast"]
    },
    {
        where: "expert and RAST are wrong with the weak pair and right with the strong one",
        wording: inFigures,
        wrong: ["base", "weakRast", "weakExpert"],
        right: ["strongRast", "strongExpert"]
    }
];

const kindsOfOne: readonly ExampleKind[] = [
    { where: "the base is wrong and RAST is right", wording: besideThePoint, wrong: ["base"], right: ["weakRast"] },
    {
        where: "the base and the expert are wrong and RAST with them is right",
        wording: inWords,
        wrong: ["base", "weakExpert"],
        right: ["weakRast"]
    },
    { where: "RAST is wrong, too", wording: inFigures, wrong: ["base", "weakRast"], right: [] }
];

/** @throws what `loadRast` lists, the signal's reason */
export async function showExamples(
    io: CommandIo,
    pairs: readonly ShownPair[],
    problems: readonly DemoProblem[],
    asking: Omit<Asking, "trio">
): Promise<void> {
    const { contestant } = await import("../../eval/contestants.js");
    const { ask } = await import("../../eval/run.js");
    const { findExamples } = await import("../../eval/examples.js");
    const { loadRast } = await import("../../loading/load.js");
    const engines = await settled(
        pairs.map(({ trio }) => loadRast({ ...contestant(trio, "rast").load, signal: asking.signal })),
        (rast) => rast.dispose()
    );
    const answers = new Map<string, Promise<Answer>>();
    const answerOf = (voice: Voice, ordinal: number): Promise<Answer> => {
        const index = voice.startsWith("strong") ? 1 : 0;
        const part = voice === "base" ? "base" : voice.endsWith("Expert") ? "expert" : "rast";
        const { trio } = pairs[index]!;
        const key = `${voice} ${ordinal}`;
        const known = answers.get(key);
        if (known !== undefined) return known;
        const answer = ask(problems[ordinal]!.prompt, ordinal, contestant(trio, part), engines[index]!, {
            ...asking,
            trio
        });
        answers.set(key, answer);
        return answer;
    };
    const isRight = async (voice: Voice, ordinal: number): Promise<boolean> => {
        asking.signal.throwIfAborted();
        return isCorrect(await answerOf(voice, ordinal), problems[ordinal]!);
    };
    try {
        introduce(io, engines[0]!.info);
        const kinds = pairs.length === 1 ? kindsOfOne : kindsOfTwo;
        for await (const example of findExamples(problems, kinds, isRight)) {
            showProblem(io, example);
            for (const { title, voice } of voicesOf(pairs)) {
                const answer = await answerOf(voice, example.ordinal);
                showAnswer(io, title, answer.text, isCorrect(answer, example.problem));
            }
        }
    } finally {
        await Promise.all(engines.map((rast) => rast.dispose()));
    }
}

// All, or none of them.
async function settled<T>(some: readonly Promise<T>[], giveBack: (one: T) => Promise<void>): Promise<T[]> {
    const results = await Promise.allSettled(some);
    const failed = results.find((result) => result.status === "rejected");
    const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    if (failed === undefined) return made;
    await Promise.all(made.map(giveBack));
    throw failed.reason;
}

interface Sizes {
    readonly base: { readonly parameterCount: number; readonly quantization: string | null; readonly device: string };
    readonly pairs: readonly { readonly expert: { readonly parameterCount: number } }[];
}

function introduce(io: CommandIo, { base, pairs }: Sizes): void {
    const count = (parameters: number): string => parameters.toLocaleString("en");
    const kind = `${count(base.parameterCount)} parameters, ${base.quantization ?? "?"}, on ${base.device}`;
    io.stdout.write(
        `The base (${kind}) can work a sum out, "S:34+17=51;51-42=9#9",\n` +
            'and mostly guesses instead, "A:#9". Reinforcement learning taught a small model\n' +
            `(${count(pairs[0]!.expert.parameterCount)}) to work sums out: the expert. The antiexpert is the same before that.\n` +
            "RAST adds expert - antiexpert to the base, token by token.\n"
    );
}

function showProblem(io: CommandIo, { kind, problem, lookedAt }: Example<DemoProblem>): void {
    const chosen = lookedAt === 1 ? "the first that was looked at" : `the first of ${lookedAt} that were looked at`;
    const title = painter(io)("bold", `${problem.prompt}?`);
    io.stdout.write(`\n${title}  (${problem.answer})\nChosen: ${kind.where}; ${chosen}.\n`);
}

function voicesOf(pairs: readonly ShownPair[]): { readonly title: string; readonly voice: Voice }[] {
    const voices = [{ title: "base alone", voice: "base" as Voice }];
    for (const [index, { label }] of pairs.entries()) {
        const name = index === 0 ? "weak" : "strong";
        voices.push({ title: `${label}: expert alone`, voice: `${name}Expert` });
        voices.push({ title: `${" ".repeat(label.length)}  RAST`, voice: `${name}Rast` });
    }
    return voices;
}

function showAnswer(io: CommandIo, title: string, text: string, right: boolean): void {
    const verdict = right ? painter(io)("green", "right") : painter(io)("red", "wrong");
    io.stdout.write(`  ${title.padEnd(27)}${verdict}  ${text}\n`);
}
