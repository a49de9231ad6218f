// Options to what is done: who answers which problems, asked how.
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { invalidOption, quote } from "../checks.js";
import type { GenerateSettings } from "../engine/generate-options.js";
import { samplingDefaults } from "../engine/sampling-options.js";
import { RastError } from "../errors.js";
import { resolveLoadOptions, type LoadOptions } from "../loading/load-options.js";
import { combineModels } from "../loading/model-set.js";
import { fileSize, systemError } from "../models/files.js";
import { bundledTrioFolder, resolveTrio, type Trio } from "../trio/trio.js";
import { contestantsOf, type EvalContestant, type EvalMode, type TrioPlan } from "./ask/contestants.js";
import { readStyle, type Style } from "./ask/styles.js";
import { loadData, select } from "./data/load-data.js";
import type { DataSet } from "./data/problem.js";
import { dataError } from "./data/read-problems.js";
import { sumsTrios } from "./contestants.js";
import type { ResolvedEvaluateOptions } from "./options.js";

/** What an evaluation does. */
export interface EvalPlan {
    readonly data: DataSet;
    /** Places of problems that are asked, among all of the data set. */
    readonly places: readonly number[];
    /** Of each problem. */
    readonly samples: number;
    readonly style: Style;
    readonly stop: readonly string[];
    /** By their names in `rast.generate`, maxTokens among them; what nobody says has its default. */
    readonly sampling: Readonly<Record<string, number>>;
    /** Of every request to an engine. */
    readonly request: GenerateSettings;
    /** In the order in which they are asked; the last may be a server. */
    readonly contestants: readonly EvalContestant[];
}

/** What the demo's problems are asked with, where nobody says otherwise. */
const demoDefaults = { limit: 100, samples: 4, lambdas: [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5] };
const paperMaxTokens = 16_384;
/** Tokens of a prompt that a context has room for beside the answer. */
const promptRoom = 2048;
const mostTemplateBytes = 1_048_576;

/** @throws what is wrong with options, trios, data or style, before anything is loaded */
export async function planEvaluation(
    options: ResolvedEvaluateOptions,
    onFetch: (what: string) => void
): Promise<EvalPlan> {
    const { server, hub, signal, questionField, answerField } = options;
    const trios = await Promise.all(
        options.models.map(async (load) => ({
            load,
            trio: load.trio === undefined ? undefined : await resolveTrio(load.trio)
        }))
    );
    const first = trios[0]?.trio;
    const bundled = bundledOf(first);
    const dataName = options.data ?? bundled?.data;
    if (dataName === undefined)
        throw dataError("Nothing to ask: expected a set such as math500, or a file, for data.", { option: "data" });
    const fields = { question: questionField, answer: answerField };
    const data = await loadData(dataName, fields, { hub, signal, onFetch });
    const isDemo = bundled !== undefined && data.name === bundled.data;
    const defaults = isDemo && options.data === undefined ? demoDefaults : undefined;
    const places = select(data, {
        offset: options.offset,
        limit: options.limit ?? defaults?.limit,
        shuffleSeed: options.shuffleSeed
    });
    const style = await readStyle({
        name:
            options.style ??
            (isDemo && bundled.style !== undefined
                ? bundled.style
                : first?.promptTemplate === undefined
                  ? "abel"
                  : "trio"),
        trioTemplate: first?.promptTemplate,
        shots: await readShots(options, signal),
        readFile: readTemplate
    });
    const stop = options.stop ?? style.stop ?? first?.stop ?? [];
    const { maxTokens: trioMaxTokens, ...trioSampling } = first?.sampling ?? {};
    const maxTokens = options.maxTokens ?? trioMaxTokens ?? paperMaxTokens;
    const sampling = { ...samplingDefaults, ...trioSampling, ...options.sampling, maxTokens };
    const request: GenerateSettings = {
        ...sampling,
        stop,
        ...(style.chat ? chatSettings(options, first) : {}),
        ...(first?.addBos === undefined ? {} : { addBos: first.addBos })
    };
    const sweep = isDemo && bundled.data === "sums" && options.modes === undefined ? defaults?.lambdas : undefined;
    const lambdas = options.lambdas ?? sweep ?? [];
    const contestants: EvalContestant[] = [];
    const names = namesOf(trios.map(({ trio }) => trio));
    for (const [at, { load, trio }] of trios.entries()) {
        const plan = trioPlan(
            load,
            trio,
            names[at],
            trios.length > 1,
            maxTokens,
            options.reference ?? (isDemo ? bundled.reference : undefined)
        );
        // One large model after training is enough for all trios over the same base.
        const isFirst = contestants.length === 0;
        contestants.push(
            ...contestantsOf(
                { ...plan, reference: isFirst ? plan.reference : undefined },
                modesOf(options, plan),
                lambdas
            )
        );
    }
    if (server !== undefined) {
        contestants.push({
            label: `server: ${server.model}`,
            role: "server",
            trio: null,
            lambda: null,
            load: undefined,
            request: {}
        });
    }
    refuseTwins(contestants);
    if (contestants.length === 0)
        throw invalidOption("modes", "something that these models have", options.modes?.join(", "));
    const samples = options.samples ?? defaults?.samples ?? 1;
    return { data, places, samples, style, stop, sampling, request, contestants };
}

interface Bundled {
    readonly data: string;
    readonly style: string | undefined;
    readonly reference: string | undefined;
}

function bundledOf(trio: Trio | undefined): Bundled | undefined {
    if (trio === undefined || dirname(trio.file) !== bundledTrioFolder()) return undefined;
    const name = basename(trio.file, ".json");
    if (name === "demo-chat") return { data: "chat-sums", style: "chat-plain", reference: undefined };
    if (!(sumsTrios as readonly string[]).includes(name)) return undefined;
    return { data: "sums", style: undefined, reference: join(dirname(trio.file), "demo-base-rl.gguf") };
}

function chatSettings(
    { thinking, maxThinkingTokens }: ResolvedEvaluateOptions,
    trio: Trio | undefined
): GenerateSettings {
    const mode = thinking ?? trio?.thinking;
    const most = maxThinkingTokens ?? trio?.maxThinkingTokens;
    return {
        ...(mode === undefined ? {} : { thinking: mode }),
        ...(most === undefined ? {} : { maxThinkingTokens: most }),
        ...(trio?.templateOptions === undefined ? {} : { templateOptions: trio.templateOptions })
    };
}

function modesOf({ modes }: ResolvedEvaluateOptions, { ownLambda }: TrioPlan): readonly EvalMode[] {
    const hasPairs = ownLambda.length > 0;
    const wanted = modes ?? ["base", "expert", "rast"];
    return hasPairs ? wanted : wanted.filter((mode) => mode === "base");
}

function trioPlan(
    given: LoadOptions,
    trio: Trio | undefined,
    trioName: string | undefined,
    several: boolean,
    maxTokens: number,
    reference: string | undefined
): TrioPlan {
    const load: LoadOptions = {
        ...given,
        contextSize: given.contextSize ?? maxTokens + promptRoom,
        // bundled files are this package's own
        ...(trio !== undefined && dirname(trio.file) === bundledTrioFolder()
            ? { tryModels: given.tryModels ?? false }
            : {})
    };
    const set = combineModels(resolveLoadOptions(load), trio);
    const name = trioName ?? (several ? basename(set.base.path, ".gguf") : null);
    return {
        prefix: several ? `${name}: ` : "",
        name,
        load,
        ownLambda: set.lambdas,
        antiexpert: set.pairs[0]?.antiexpert.path,
        reference
    };
}

// Trios of one name go by those of their files, as far as these tell them apart, else by their paths.
function namesOf(trios: readonly (Trio | undefined)[]): readonly (string | undefined)[] {
    const ways = [(trio: Trio) => trio.name, ({ file }: Trio) => basename(file, ".json"), ({ file }: Trio) => file];
    const all = ways.map((way) => trios.map((trio) => (trio === undefined ? undefined : way(trio))));
    return all.find((names) => areDistinct(names)) ?? all[0]!;
}

function areDistinct(names: readonly (string | undefined)[]): boolean {
    const given = names.filter((one) => one !== undefined);
    return new Set(given).size === given.length;
}

function refuseTwins(contestants: readonly EvalContestant[]): void {
    const labels = new Set<string>();
    for (const { label } of contestants) {
        if (labels.has(label)) throw invalidOption("models", `each once (${quote(label)} comes twice)`, undefined);
        labels.add(label);
    }
}

async function readShots(
    { shots, shotsFile, questionField, answerField }: ResolvedEvaluateOptions,
    signal: AbortSignal | undefined
): Promise<DataSet["problems"]> {
    if (shotsFile === undefined) return [];
    const { problems, name } = await loadData(shotsFile, { question: questionField, answer: answerField }, { signal });
    if (shots > problems.length)
        throw dataError(
            `${name} has ${problems.length} solved ${problems.length === 1 ? "problem" : "problems"}, shots asks for ${shots}.`,
            {
                option: "shots"
            }
        );
    return problems.slice(0, shots === 0 ? problems.length : shots);
}

async function readTemplate(path: string): Promise<string> {
    const purpose = { what: "the style" };
    const size = await fileSize(path, purpose);
    if (size > mostTemplateBytes) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `The style ${quote(basename(path))} has ${size} bytes: a template is small.`,
            {
                details: { option: "style", path }
            }
        );
    }
    return readFile(path, "utf8").catch((error: unknown) => {
        throw systemError(error, path, purpose);
    });
}
