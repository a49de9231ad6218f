// Figures of records that are there already, side by side.
import { basename } from "node:path";
import { checkPath, isArray, invalidOption } from "../checks.js";
import { saySame } from "./judge.js";
import { reportOn, type Answered } from "./metrics/figures.js";
import type { EvalReport } from "./metrics/report.js";
import { differenceOf, recordError } from "./record/parse.js";
import { readRecordFile } from "./record/record-file.js";
import type { ContestantLine } from "./record/schema.js";

const mostRecords = 64;

/**
 * What records of {@link evaluate} come to, of the problems and samples that all of their contestants have. Several must be of the
 * same data set; what else differs between them is said in `notes`. No model is loaded.
 * @param paths one record, or several to be compared
 * @throws ERR_EVAL_RECORD, ERR_FILE_NOT_FOUND and its kin, ERR_GRADER, ERR_INVALID_OPTION
 * @example
 * ```ts
 * import { evaluate, evaluationReport } from "rast-llama";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 *
 * const record = join(tmpdir(), `eval-${process.pid}.jsonl`);
 * await evaluate({ limit: 5, samples: 1, lambda: 1, record });
 * const { contestants } = await evaluationReport(record);
 * console.log(contestants.map(({ label, accuracy }) => `${label} ${accuracy.correct}/${accuracy.total}`).join(", "));
 * ```
 */
export async function evaluationReport(paths: string | readonly string[]): Promise<EvalReport> {
    const list: readonly unknown[] = typeof paths === "string" ? [paths] : paths;
    if (!isArray(list) || list.length === 0 || list.length > mostRecords)
        throw invalidOption("paths", `a path, or an array of at most ${mostRecords}`, paths, "ERR_INVALID_ARGUMENT");
    const records = [];
    for (const path of list) {
        const checked = checkPath("paths", path);
        records.push({ name: basename(checked), ...(await readRecordFile(checked)) });
    }
    const first = records[0]!;
    const notes: string[] = [];
    for (const { name, head } of records.slice(1)) {
        const data = differenceOf(first.head.data.sha256, head.data.sha256, "data");
        if (data !== undefined) {
            throw recordError(
                `${first.name} and ${name} are of other problems (${first.head.data.name}, ${head.data.name}): they cannot be compared.`
            );
        }
        const difference = differenceOf({ ...first.head, data: 0 }, { ...head, data: 0 });
        if (difference !== undefined)
            notes.push(`${first.name} and ${name} differ in more than their contestants: ${difference}.`);
    }
    const answered = records.flatMap(({ name, contestants, samples }) =>
        [...contestants.values()].map((contestant): Answered => {
            const own = [...samples.values()].filter((one) => one.contestant === contestant.label);
            return { contestant: renamed(contestant, name, records.length > 1), samples: own };
        })
    );
    const report = await reportOn({ head: first.head, answered, same: saySame, notes });
    if (report === undefined)
        throw recordError(
            `There is no problem that all contestants of ${records.map(({ name }) => name).join(", ")} have answered yet.`
        );
    return report;
}

// Of several records each is what a trio is in one.
function renamed(contestant: ContestantLine, name: string, several: boolean): ContestantLine {
    if (!several) return contestant;
    const short = name.replace(/\.\w+$/, "");
    return {
        ...contestant,
        label: `${short}: ${contestant.label}`,
        trio: contestant.trio === null ? short : `${short}: ${contestant.trio}`
    };
}
