// Samples, contestants and reports of evaluations that nobody ran.
import { reportOn, type Answered } from "../../src/eval/metrics/figures.js";
import type { EvalReport } from "../../src/eval/metrics/report.js";
import { recordFormat, type ContestantLine, type RecordHead, type SampleLine } from "../../src/eval/record/schema.js";

export function evalHead(changes: Partial<RecordHead> = {}): RecordHead {
    return {
        type: "head",
        format: recordFormat,
        data: { name: "some.jsonl", source: "some.jsonl", sha256: "d".repeat(64), problems: 10, grading: "math" },
        prompt: { style: "abel", shots: 0, sha256: "e".repeat(64), stop: ["</s>", "user"], thinking: null },
        sampling: { temperature: 1, topP: 0.95, maxTokens: 64 },
        seed: 1,
        versions: { rast: "0.1.0", llamaCpp: "v0.5.0" },
        ...changes
    };
}

export function evalContestant(label: string, changes: Partial<ContestantLine> = {}): ContestantLine {
    const model = { role: "base", file: "base.gguf", fingerprint: "f".repeat(64), adapters: [] };
    return {
        type: "contestant",
        label,
        role: "base",
        trio: "some",
        lambda: null,
        models: [model],
        server: null,
        ...changes
    };
}

export function evalSample(contestant: string, problem: number, sample: number, right: boolean): SampleLine {
    const extracted = right ? "8" : String(problem * 100 + sample);
    return {
        type: "sample",
        contestant,
        problem,
        id: `p${problem}`,
        sample,
        seed: 1000 + problem,
        ordinal: sample,
        output: `It is ${extracted}.`,
        answer: "8",
        right,
        extracted,
        reason: right ? "the same text" : "another value",
        timedOut: false,
        stop: "eos",
        tokens: 10 + problem,
        ms: 5
    };
}

/** Samples of some problems: "110" is three samples of one, two of them right. */
export function answered(contestant: ContestantLine, problems: readonly string[]): Answered {
    const samples = problems.flatMap((text, problem) =>
        [...text].map((one, sample) => evalSample(contestant.label, problem, sample, one === "1"))
    );
    return { contestant, samples };
}

const equal = async (one: string, other: string): Promise<boolean> => one === other;

/** A report on a trio with a sweep, a reference and a server; names are whatever a test wants. */
export async function someReport(name = "some.jsonl", names = ["some"]): Promise<EvalReport> {
    const head = evalHead({ data: { ...evalHead().data, name } });
    const problems = ["1100", "1000", "1111", "0000", "1010", "0000"];
    const better = ["1111", "1100", "1111", "0001", "1010", "0000"];
    const all = names.flatMap((trio): Answered[] => {
        const prefix = names.length === 1 ? "" : `${trio}: `;
        return [
            answered(evalContestant(`${prefix}base`, { trio }), problems),
            answered(evalContestant(`${prefix}expert`, { trio, role: "expert" }), problems),
            ...[0, 0.5, 1, 1.5].map((lambda) =>
                answered(
                    evalContestant(`${prefix}rast λ ${lambda}`, { trio, role: "rast", lambda: [lambda] }),
                    lambda === 0 ? problems : better
                )
            ),
            answered(evalContestant(`${prefix}antiexpert`, { trio, role: "antiexpert" }), [
                "0000",
                ...problems.slice(1)
            ])
        ];
    });
    const reference = answered(
        evalContestant("reference", { trio: names[0]!, role: "reference" }),
        better.map(() => "1111")
    );
    const server = answered(
        evalContestant("server: some/model", {
            role: "server",
            trio: null,
            models: [],
            server: { url: "http://127.0.0.1:1/v1", model: "some/model" }
        }),
        problems
    );
    return (await reportOn({ head, answered: [...all, reference, server], same: equal, notes: ["A note."] }))!;
}
