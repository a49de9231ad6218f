// The page of an evaluation: one file that needs nothing else.
import { tableMarkup } from "../../report/figures.js";
import { markup, Markup } from "../../report/html.js";
import { styleSheet } from "../../report/style.js";
import type { EvalReport } from "../metrics/report.js";
import { contestantTable, differenceTable, recoveryTable } from "../print/tables.js";
import { intervalsInWords, modelsInWords, settingsInWords } from "../print/words.js";
import { roles, seriesOf } from "./looks.js";
import { accuracySection, curveSection, lengthSection, sweepSection } from "./plots.js";

/**
 * A report as one HTML page: no script, no request, for screens of any width, dark or light, and for paper.
 * Names of files, data sets and servers are shown as text, whatever they hold.
 */
export function evalPage(report: EvalReport): string {
    const { data, contestants, prompt } = report;
    const title = `${data.name}: ${[...new Set(contestants.map(({ role }) => role))].join(", ")}`;
    return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>rast eval: ${title}</title>
<style>${new Markup(styleSheet(roles.map((role) => seriesOf(role))))}
</style>
</head>
<body>
<main>
<h1><small>rast eval</small> ${title}</h1>
<p>${settingsInWords(report)}</p>
${contestantList(report)}
${notes(report)}
${accuracySection(report)}${sweepSection(report)}${curveSection(report)}${lengthSection(report)}
${tables(report)}
<details><summary>Settings</summary>
<p>Data from <code>${data.source}</code>, sha256 <code>${data.sha256}</code>. Stop strings: ${
        prompt.stop.length === 0
            ? "none"
            : prompt.stop.map((one, index) => markup`${index === 0 ? "" : ", "}<code>${one}</code>`)
    }.
Answers are graded ${data.grading === "sums" ? "to the letter" : "as rast grade does"}.</p>
${tableMarkup(modelTable(report), "Models", "samples")}</details>
</main>
</body>
</html>
`.text;
}

function contestantList({ contestants }: EvalReport): Markup {
    const items = contestants.map(
        (
            one
        ) => markup`<dt><span class="swatch ${seriesOf(one.role).style}"></span> ${one.label}</dt><dd>${modelsInWords(one)}</dd>
`
    );
    return markup`<dl>
${items}</dl>`;
}

function notes({ notes }: EvalReport): Markup | null {
    if (notes.length === 0) return null;
    return markup`<section class="warnings"><h2>Notes</h2>
<ul>
${notes.map(
    (note) => markup`<li>${note}</li>
`
)}</ul></section>`;
}

function tables(report: EvalReport): Markup {
    const recovery = recoveryTable(report);
    const differences = differenceTable(report);
    return markup`<section class="all"><h2>All figures</h2>
<p class="note">${intervalsInWords(report)}</p>
${tableMarkup(contestantTable(report), "Figures of all contestants", "")}
${recovery === null ? null : tableMarkup(recovery, "Recovery rates", "")}
${differences === null ? null : tableMarkup(differences, "Differences", "")}</section>`;
}

function modelTable({ contestants }: EvalReport): Parameters<typeof tableMarkup>[0] {
    const columns = ["contestant", "model", "fingerprint"].map((name) => ({ name, align: "left" as const }));
    const rows = contestants.flatMap(({ label, models, server }) =>
        server !== null
            ? [[label, `${server.model} at ${server.url}`, ""]]
            : models.map(({ role, file, fingerprint }) => [label, `${role}: ${file}`, fingerprint])
    );
    return { columns, rows };
}
