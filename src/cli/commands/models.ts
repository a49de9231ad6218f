import { RastError } from "../../errors.js";
import type {
    QuantizationInfo,
    TrioInfo,
    TrioInfoOptions,
    TrioModelInfo,
    TrioSummary
} from "../../pulling/trio-info.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { readFlags, switchFlag } from "../flag.js";
import { catalogFlags } from "../flags/pulling.js";
import { formatBytes } from "../output.js";

const flags = { ...catalogFlags, json: switchFlag("--json", "print JSON; errors as JSON, too") };

/** `rast models`: what trios there are, and all that is known of one. */
export const models: CommandDeclaration = {
    name: "models",
    description: "list the trios that can be pulled, or say all of one",
    operands: { usage: "[what...]", description: "list (as without), or info NAME" },
    examples: [
        ["rast models", "Every trio of the catalog, its size, and whether it is on this disk."],
        [
            "rast models info qwen2.5-32b-simplerl-14b",
            "Its models, their files and licenses, and what nobody has checked."
        ]
    ],
    flags,
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const { json, ...options } = readFlags(flags, typed);
    const [action = "list", name, ...more] = operands;
    const fits =
        action === "list" ? operands.length <= 1 : action === "info" && name !== undefined && more.length === 0;
    if (!fits) {
        const expected = `Expected list or info NAME, received ${operands.join(" ")}.`;
        const message =
            action === "info"
                ? "Expected one name behind info: rast models info NAME. rast models lists them all."
                : action === "list" || operands.length > 1
                  ? expected
                  : `${expected} All of one trio: rast models info ${action}.`;
        throw new RastError("ERR_INVALID_ARGUMENT", message, { details: { operands } });
    }
    const { listTrios, trioInfo } = await import("../../pulling/trio-info.js");
    const found = action === "list" ? await listTrios(options) : await trioInfo(name!, options);
    const text = json === true ? JSON.stringify(found) : Array.isArray(found) ? listed(found) : told(found, options);
    io.stdout.write(`${text}\n`);
    return exitCodes.ok;
}

function listed(trios: readonly TrioSummary[]): string {
    const width = Math.max(0, ...trios.map(({ name }) => name.length));
    const lines = trios.map(({ name, description, bytes, file, bundled }) => {
        const size = bundled ? "bundled" : bytes === null ? "" : formatBytes(bytes);
        const here = file !== null && !bundled ? "  (on this disk)" : "";
        return `${name.padEnd(width)}  ${size.padStart(8)}  ${description}${here}`;
    });
    return [...lines, "rast models info NAME says all of one; rast pull NAME brings it."].join("\n");
}

function told(info: TrioInfo, { folder }: TrioInfoOptions): string {
    const { name, description, bytes, bundled, file, settings, published, verified, notSaid } = info;
    const size = bytes === null ? "" : `, ${formatBytes(bytes)} in all`;
    const where = bundled ? "comes with the package" : (file ?? "not on this disk: rast pull " + name);
    const roles = (["base", "expert", "antiexpert"] as const).flatMap((role) => modelLines(role, info[role]));
    const group = (title: string, lines: readonly string[]): string[] =>
        lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
    return [
        `${name}: ${description}`,
        `${where}${size}${folder === undefined ? "" : ` (looked for in ${folder})`}`,
        ...roles,
        ...group(
            "settings",
            Object.entries(settings).map(([key, value]) => `${key} ${JSON.stringify(value)}`)
        ),
        ...group(
            "published",
            published.map(({ source, figures }) => `${source}: ${figures}`)
        ),
        ...group("known", verified),
        ...group("not checked by anybody", notSaid)
    ].join("\n");
}

function modelLines(role: string, model: TrioModelInfo): string[] {
    const { repository, license, architecture, parameters, quantizations } = model;
    const count = parameters === null ? "" : `, ${(parameters / 1e9).toFixed(2)} billion parameters`;
    return [
        `${role}: ${repository} (${architecture}${count}, license: ${license})`,
        ...quantizations.map(quantizationLine)
    ];
}

function quantizationLine({
    quantization,
    bytes,
    bytesBy,
    source,
    by,
    nameSeen,
    path,
    isDefault
}: QuantizationInfo): string {
    const size = bytes === null ? "" : `${bytesBy === "computed" ? "~" : ""}${formatBytes(bytes)}`;
    const doubt = by !== "file" || nameSeen ? "" : " (name by its repository's usage)";
    const here = path === null || by === "bundled" ? "" : `, here: ${path}`;
    const made = by === "graft" ? "graft of " : by === "quantize" ? "quantized from " : "";
    return `  ${isDefault ? "*" : " "} ${quantization.padEnd(7)}${size.padStart(9)}  ${made}${source}${doubt}${here}`;
}
