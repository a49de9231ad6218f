// The page of a benchmark: one file that needs nothing else.
import { settingsInWords, varyingSettings } from "../record/cases.js";
import { resultTable, warningsInWords } from "../print/tables.js";
import {
    activityInWords,
    machineInWords,
    parametersInWords,
    sizeInWords,
    titleInWords,
    versionsInWords
} from "../record/words.js";
import type { BenchCase, BenchModel, BenchRecord } from "../record/schema.js";
import type { Samples } from "../record/statistics.js";
import { depthSection, rateSection, sequencesSection } from "./rate-plots.js";
import { tableMarkup } from "../../report/figures.js";
import { markup, Markup } from "../../report/html.js";
import { modeOrder, seriesOf } from "./modes.js";
import { memorySection, stepSection } from "./part-plots.js";
import { styleSheet } from "../../report/style.js";

/**
 * A record as one HTML page: no script, no request, for screens of any width, dark or light, and for paper.
 * Names of files, devices and commands are shown as text, whatever they hold.
 */
export function benchPage(record: BenchRecord): string {
    const title = titleInWords(record);
    return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>rast bench: ${title}</title>
<style>${new Markup(styleSheet(modeOrder.map(seriesOf)))}
</style>
</head>
<body>
<main>
<h1><small>rast bench</small> ${title}</h1>
${introduction(record)}
${warningList(record)}
${modeList(record)}
${rateSection(record)}${sequencesSection(record)}${depthSection(record)}${stepSection(record)}${memorySection(record)}
${resultsSection(record)}
${samplesSection(record)}
</main>
</body>
</html>
`.text;
}

function introduction(record: BenchRecord): Markup {
    const { machine, date, versions, backend, backendReason, repetitions, seed, models } = record;
    const files = models.map((model, index) => {
        const before = index === 0 ? "" : index === models.length - 1 ? " and " : ", ";
        return markup`${before}${modelInWords(model, models)}`;
    });
    const reason = backendReason === "" ? "" : ` (${backendReason})`;
    const often = repetitions === 1 ? "One repetition" : `${repetitions} repetitions`;
    const loaded = record.loads === 1 ? "" : ` in each of ${record.loads} loads`;
    return markup`<p>${files}. Measured on ${date.slice(0, 10)} at ${date.slice(11)} on ${machineInWords(machine)}.
Backend ${backend}${reason}; ${versionsInWords(versions)}. ${often}${loaded}, seed ${seed}. ${activityInWords(record)}</p>
${commandLine(record)}`;
}

// Before anything that could be believed.
function warningList(record: BenchRecord): Markup | null {
    const warnings = warningsInWords(record);
    if (warnings.length === 0) return null;
    const items = warnings.map(
        (warning) => markup`<li>${warning}</li>
`
    );
    return markup`<section class="warnings"><h2>Not to be believed as it stands</h2>
<ul>
${items}</ul></section>`;
}

function modelInWords(model: BenchModel, models: readonly BenchModel[]): Markup {
    const { role, pair, file, fileBytes, description, parameterCount } = model;
    const pairs = models.filter((one) => one.role === "expert").length;
    const which = role === "base" ? "Base" : pairs > 1 ? `${role} ${pair + 1}` : role;
    return markup`${which} <code>${file}</code> (${description}, ${parametersInWords(parameterCount)}
parameters, ${sizeInWords(fileBytes)})`;
}

// Lines are broken between the words, not at their hyphens.
function commandLine({ command }: BenchRecord): Markup | null {
    if (command === "") return null;
    const words = command.split(" ").map((word) => markup`<span>${word}</span> `);
    return markup`<p class="command"><code>${words}</code></p>`;
}

const modesInWords: Readonly<Record<BenchCase["mode"], string>> = {
    base: "the base model alone",
    host: "RAST, every row of logits read to the host and drawn there",
    device: "RAST, drawn in the compute graph",
    draft: "RAST, drawn in the compute graph, and the expert drafts",
    "node-llama-cpp": "RAST over node-llama-cpp's own interface, logits in JavaScript"
};

function modeList({ results }: BenchRecord): Markup {
    const present = modeOrder.filter((mode) => results.some((row) => row.mode === mode));
    const items = present.map(
        (
            mode
        ) => markup`<dt><span class="swatch ${seriesOf(mode).style}"></span> ${mode}</dt><dd>${modesInWords[mode]}</dd>
`
    );
    return markup`<dl>
${items}</dl>`;
}

function resultsSection(record: BenchRecord): Markup {
    return markup`<section class="all"><h2>All rows</h2>
<p class="note">In llama-bench's words: pp is a prompt that is decoded, tg are tokens that are generated, d the tokens of
context before; t/s are mean ± standard deviation, then the median. Models and backend are named above.</p>
${tableMarkup(resultTable(record, false), "All rows", "")}</section>`;
}

function samplesSection({ results }: BenchRecord): Markup {
    const varying = varyingSettings(results);
    const digits = (samples: Samples): string => samples.map((value) => value.toFixed(2)).join(", ");
    const columns = ["row", "tokens per second, repetition by repetition", "ideal"].map((name) => ({
        name,
        align: "left" as const
    }));
    const rows = results.map((row) => [
        [row.test, row.mode, settingsInWords(row, varying)].filter((word) => word !== "").join(", "),
        digits(row.samples),
        digits(row.idealSamples)
    ]);
    return markup`<details><summary>Raw samples</summary>
${tableMarkup({ columns, rows }, "Raw samples", "samples")}</details>`;
}
