// `rast explain --pcr`: path coverage of one or several bases over the same texts.
import type { LoadOptions } from "../../loading/load-options.js";
import type { CoveredRecord, PathCoverage } from "../../explain/path-coverage.js";
import type { FailedRecord } from "../../scoring/score-records.js";
import { shorten } from "../../checks.js";
import { counted } from "../../explain/page/words.js";
import { plain } from "../../report/shown-text.js";
import { markdownTable } from "../../report/tables.js";
import { withEngine } from "../engine-work.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { oneLine } from "../failure.js";
import { failureInFlags, type FlagNames } from "../flag-names.js";
import { modelsAgainst, nameOfModels } from "../flags/against.js";
import type { CommandIo } from "../io.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";
import { pageName, refuseLostInputs } from "../page-target.js";

/** What is to be covered, by what. */
export interface CoverageJob {
    readonly file: string;
    readonly load: LoadOptions;
    readonly against: readonly string[];
    readonly raw: boolean;
    readonly html?: string;
    readonly json: boolean;
    readonly quiet: boolean;
    readonly pull: boolean;
    /** For messages about texts. */
    readonly names: FlagNames;
    /** Names flags that were typed in vain. */
    readonly sayIdle: () => void;
}

/** @throws what `pathCoverage` and `loadRast` do */
export async function coverPaths(io: CommandIo, job: CoverageJob): Promise<ExitCode> {
    const { pathCoverage, readCoverageRecords } = await import("../../explain/path-coverage.js");
    const records = await readCoverageRecords(job.file);
    const all = [job.load, ...job.against.map((one) => modelsAgainst(job.load, one))];
    for (const { trio } of all) {
        const ended = await assurePulled(trio, job.pull, io);
        if (ended !== undefined) return exitCodeOf(ended);
    }
    await refuseLostInputs(job.html, all, [job.file]);
    job.sayIdle();
    const status = new StatusLine(io, job.quiet);
    const rows: CoverageRow[] = [];
    const { forScoring } = await import("../../scoring/score-texts.js");
    for (const load of all) {
        const name = nameOfModels(load);
        const told: (CoveredRecord | FailedRecord)[] = [];
        const { value, interruptedBy } = await withEngine(
            io,
            { load: forScoring(load, 1), status, quiet: job.quiet },
            (rast, signal) =>
                pathCoverage(rast, records, {
                    raw: job.raw,
                    signal,
                    onRecord: (record) => {
                        told.push("error" in record ? failureInFlags(record, job.names) : record);
                        status.show(`${name}: ${told.length} of ${records.length} texts`);
                    }
                })
        );
        if (value === undefined) return exitCodeOf(interruptedBy!);
        rows.push({ name, coverage: value, records: told });
        for (const record of told) {
            if (!("error" in record) || job.quiet) continue;
            io.stderr.write(
                `rast: ${oneLine(`${name}, line ${record.line}: ${record.error.message}`)} [${record.error.code}]\n`
            );
        }
    }
    if (job.json)
        io.stdout.write(
            `${JSON.stringify(rows.map(({ name, coverage, records: told }) => ({ name, ...coverage, records: told })))}\n`
        );
    else print(rows, io);
    if (job.html !== undefined) {
        const { coveragePage } = await import("../../explain/page/coverage-page.js");
        const { writeWholeFile } = await import("../../machine/output-file.js");
        await writeWholeFile(job.html, coveragePage(rows), pageName);
        if (!job.quiet) io.stderr.write(`rast: the page is in ${job.html}\n`);
    }
    return rows.some(({ coverage }) => coverage.failed > 0) ? exitCodes.failure : exitCodes.ok;
}

interface CoverageRow {
    readonly name: string;
    readonly coverage: PathCoverage;
    readonly records: readonly (CoveredRecord | FailedRecord)[];
}

function print(rows: readonly CoverageRow[], io: CommandIo): void {
    const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
    const interval = ({ low, high }: { low: number; high: number }): string => `${percent(low)} to ${percent(high)}`;
    const first = rows[0]!;
    if (rows.length === 1 && first.records.length <= 40) {
        for (const record of first.records) {
            if ("error" in record) continue;
            const { base, rast, line, id } = record;
            const together = rast === null ? "" : `, RAST ${percent(rast.value)}`;
            io.stdout.write(
                `${plain(shorten(String(id ?? line))).padStart(6)}  base ${percent(base.value)}${together}  ${base.correct} of ${counted(base.total, "token")}\n`
            );
        }
        io.stdout.write("\n");
    }
    const columns = ["models", "base", "95%", "over texts", "RAST", "texts", "tokens"].map((name, index) => ({
        name,
        align: index === 0 ? ("left" as const) : ("right" as const)
    }));
    const cells = rows.map(({ name, coverage: { base, rast, texts } }) => [
        name,
        percent(base.value),
        interval(base),
        base.overTexts === null ? "-" : interval(base.overTexts),
        rast === null ? "-" : percent(rast.value),
        String(texts),
        String(base.total)
    ]);
    io.stdout.write(markdownTable({ columns, rows: cells }));
}
