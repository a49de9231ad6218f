import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { didYouMean, quote } from "../../checks.js";
import { RastError } from "../../errors.js";
import { parseHubPath } from "../../hub/hub-path.js";
import { fileSize, systemError } from "../../models/files.js";
import { generator } from "../../random.js";
import { bundledTrioFolder } from "../../trio/trio.js";
import { readDemoProblems } from "../sums.js";
import { fetchData, type HubDataSettings } from "./hub-data.js";
import { knownName, namedSets } from "./named-sets.js";
import type { DataSet, Problem } from "./problem.js";
import { dataError, readProblems, type ProblemFields } from "./read-problems.js";

const mostFileBytes = 1024 * 1_048_576;
/** Of the demo trios, offline. */
const demoSets = ["sums", "chat-sums"] as const;

/**
 * A data set by its name ("math500"), by a hub's path ("hf:datasets/owner/name/test.jsonl"), or by the path of a file.
 * @throws ERR_DATA_SET; ERR_FILE_NOT_FOUND and its kin; of the hub what `fetchData` lists; the signal's reason
 */
export async function loadData(
    nameOrFile: string,
    fields: ProblemFields,
    settings: HubDataSettings = {}
): Promise<DataSet> {
    const { signal } = settings;
    if (nameOrFile === "sums") return sums();
    if (nameOrFile === "chat-sums") return chatSums();
    const known = knownName(nameOrFile);
    if (known !== undefined) {
        const { bytes, source } = await fetchData(namedSets[known]!.files, settings);
        return { name: known, source, problems: await readProblems(bytes, source, fields, signal), grading: "math" };
    }
    if (nameOrFile.startsWith("hf:")) {
        const { repository, path, revision } = hubPathOf(nameOrFile);
        const { bytes, source } = await fetchData([{ repository, path, revision }], settings);
        return {
            name: basename(path),
            source,
            problems: await readProblems(bytes, source, fields, signal),
            grading: "math"
        };
    }
    const bytes = await readFileOf(nameOrFile, signal);
    const name = basename(nameOrFile);
    return { name, source: name, problems: await readProblems(bytes, name, fields, signal), grading: "math" };
}

function hubPathOf(text: string): ReturnType<typeof parseHubPath> {
    const wrong = (): RastError =>
        dataError(`Expected hf:datasets/OWNER/NAME/FILE, received ${quote(text)}.`, { option: "data" });
    try {
        const found = parseHubPath(text.replace(/^hf:(?:\/\/)?datasets\//, "hf:"));
        if (found.path === "") throw wrong();
        return found;
    } catch {
        throw wrong();
    }
}

async function readFileOf(path: string, signal?: AbortSignal): Promise<Buffer> {
    const purpose = { what: "the data set" };
    const size = await fileSize(path, purpose).catch((error: unknown) => {
        throw namedInstead(error, path);
    });
    if (size === 0) throw dataError(`There are no problems in ${basename(path)}: it is empty.`);
    if (size > mostFileBytes) throw dataError(`${basename(path)} has ${size} bytes: more than a data set is read of.`);
    return readFile(path, { signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw systemError(error, path, purpose);
    });
}

// A word that is neither a set nor a file is more likely a name.
function namedInstead(error: unknown, path: string): unknown {
    if (!(error instanceof RastError) || error.code !== "ERR_FILE_NOT_FOUND" || /[\\/.]/.test(path)) return error;
    const names = [...Object.keys(namedSets), ...demoSets];
    return dataError(
        `There is no data set ${quote(path)}, nor a file of this name. Known are ${names.join(", ")}.${didYouMean(path, names)}`
    );
}

async function sums(): Promise<DataSet> {
    const problems = (await readDemoProblems()).map(({ prompt, answer }, at): Problem => ({
        id: String(at),
        question: prompt,
        answer: String(answer),
        solution: String(answer)
    }));
    return { name: "sums", source: "problems.jsonl", problems, grading: "sums" };
}

async function chatSums(): Promise<DataSet> {
    const name = "demo-chat-questions.jsonl";
    const problems = await readProblems(await readFileOf(join(bundledTrioFolder(), name)), name);
    const numbers = problems.map((problem): Problem => {
        // "It is 12."
        const number = /(-?\d+)\D*$/.exec(problem.answer)?.[1] ?? problem.answer;
        return { ...problem, answer: number };
    });
    return { name: "chat-sums", source: name, problems: numbers, grading: "math" };
}

/** Names a data set's content: ids, questions and answers. */
export function hashOf({ problems }: Pick<DataSet, "problems">): string {
    const hash = createHash("sha256");
    for (const { id, question, answer } of problems) hash.update(`${JSON.stringify([id, question, answer])}\n`);
    return hash.digest("hex");
}

/** Which problems are asked. */
export interface Selection {
    /** Problems to leave out at the beginning. */
    readonly offset: number;
    /** At most so many. */
    readonly limit: number | undefined;
    /** Shuffles them first; undefined = in the set's order. */
    readonly shuffleSeed: number | undefined;
}

/**
 * Places of problems among all of a set.
 * @throws ERR_DATA_SET where none is left
 */
export function select(data: DataSet, { offset, limit, shuffleSeed }: Selection): number[] {
    const places = data.problems.map((_, at) => at);
    if (shuffleSeed !== undefined) {
        const next = generator(shuffleSeed);
        for (let at = places.length - 1; at > 0; at--) {
            const other = next() % (at + 1);
            [places[at], places[other]] = [places[other]!, places[at]!];
        }
    }
    const chosen = places.slice(offset, limit === undefined ? undefined : offset + limit);
    if (chosen.length === 0)
        throw dataError(
            `${data.name} has ${data.problems.length} ${data.problems.length === 1 ? "problem" : "problems"}: none is left behind the first ${offset}.`
        );
    return chosen;
}
