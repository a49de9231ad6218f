// Path coverage of several bases over the same texts, as one page.
import { barChart } from "../../report/bar-chart.js";
import { tableMarkup } from "../../report/figures.js";
import { markup, Markup } from "../../report/html.js";
import { styleSheet } from "../../report/style.js";
import type { FailedRecord } from "../../scoring/score-records.js";
import type { CoveredRecord, PathCoverage } from "../path-coverage.js";
import { pageMadeOf } from "./made-of.js";
import { counted, shareInWords } from "./words.js";

/** Coverage by one base, or one trio's. */
export interface NamedCoverage {
    /** What its models are called. */
    readonly name: string;
    /** In all. */
    readonly coverage: PathCoverage;
    /** Of each text, where wanted; those that failed are left out. */
    readonly records: readonly (CoveredRecord | FailedRecord)[];
}

/**
 * Path coverage as one HTML page without a script: a bar for each base, its ensemble's beside it, and every text in a table.
 * @param all at least one
 * @throws ERR_INVALID_OPTION for what {@link pathCoverage} did not give
 */
export function coveragePage(all: readonly NamedCoverage[]): string {
    return pageMadeOf("all", "a list of what pathCoverage gave, with names", all, () => pageOf(all));
}

function pageOf(all: readonly NamedCoverage[]): string {
    const { texts, base } = all[0]!.coverage;
    const bars = all.flatMap(({ name, coverage }) => {
        const bar = (
            label: string,
            total: PathCoverage["base"],
            part: number
        ): Parameters<typeof barChart>[1][number] => ({
            label,
            value: shareInWords(total.value),
            parts: [{ name: "", value: total.value, style: `part-${part}` }],
            error:
                total.overTexts === null
                    ? { from: total.low, to: total.high }
                    : { from: total.overTexts.low, to: total.overTexts.high },
            mark: null
        });
        return [
            bar(`base of ${name}`, coverage.base, 0),
            ...(coverage.rast === null ? [] : [bar(`RAST of ${name}`, coverage.rast, 1)])
        ];
    });
    const head = {
        id: "coverage",
        title: "Path coverage",
        description: `${bars.map(({ label, value }) => `${label} ${value}`).join("; ")}.`
    };
    return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>rast explain: path coverage</title>
<style>${new Markup(styleSheet([]))}
</style>
</head>
<body>
<main>
<h1><small>rast explain</small> Path coverage</h1>
<p>Share of the tokens of ${counted(texts, "text")} (${counted(base.total, "token")}) that are the likeliest where they stand: how much of them a model would have
written anyway. Error bars are 95% intervals over texts; where there is one text alone, over its tokens.</p>
<figure>${barChart(head, bars)}</figure>
${all.map(recordTable)}
</main>
</body>
</html>
`.text;
}

function recordTable({ name, records }: NamedCoverage): Markup | null {
    const covered = records.filter((record): record is CoveredRecord => !("error" in record));
    if (covered.length === 0) return null;
    const right = "right" as const;
    const columns = [
        { name: "text", align: "left" as const },
        { name: "tokens", align: right },
        { name: "base", align: right },
        { name: "RAST", align: right }
    ];
    const rows = covered.map(({ line, id, base, rast }) => [
        String(id ?? line),
        String(base.total),
        shareInWords(base.value),
        rast === null ? "-" : shareInWords(rast.value)
    ]);
    return markup`<details><summary>Texts, by ${name}</summary>
${tableMarkup({ columns, rows }, `Texts, by ${name}`, "")}</details>
`;
}
