// The seam is written twice, in src/native/addon-types.ts and in native/napi: whatever one side names, the other does too.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { root } from "../../support/native.js";

const file = join(root, "src", "native", "addon-types.ts");
const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
const interfaces = new Map(
    source.statements.filter(ts.isInterfaceDeclaration).map((one) => [one.name.text, membersBelow(one)])
);

// Of types within types, too; of the addon its functions alone.
function membersBelow(node: ts.Node): string[] {
    const out: string[] = [];
    node.forEachChild((child) => {
        if (ts.isPropertySignature(child)) out.push(child.name.getText());
        out.push(...(ts.isMethodSignature(child) ? [child.name.getText()] : membersBelow(child)));
    });
    return out;
}

const folder = join(root, "native", "napi");
const code = readdirSync(folder)
    .filter((name) => name.endsWith(".cpp"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
const all = (pattern: RegExp): Set<string> => new Set([...code.matchAll(pattern)].map((match) => match[1]!));
const written = all(/\.Set\("(\w+)"/g);
const read = all(
    /(?:\.(?:text|flag|integer|number|unsigned64|texts|bytes|int32s|float32s|float64s|numbers|object|objects|choice)\(|read_kv_type\(config, )"(\w+)"/g
);
const exported = all(/\badd\("(\w+)"/g);

/** What native code reads; all other interfaces but the addon are what it writes. */
const inputs = [
    "NativeLibraryPaths",
    "NativeBackendCandidate",
    "NativeCudaKernel",
    "NativeAdapterConfig",
    "NativeDifferenceRequest",
    "NativeModelConfig",
    "NativePairConfig",
    "NativeQuantizeOptions",
    "NativeRowConversion",
    "NativeEngineConfig",
    "NativeSampling",
    "NativeRequest",
    "NativeReasoning",
    "NativeBareDecodes",
    "NativeTokenizing",
    "NativeSpecialTokenRule",
    "NativeDistantFile",
    "NativeWorker",
    "NativeWorkerOptions"
];
const outputs = [...interfaces.keys()].filter((name) => !inputs.includes(name) && name !== "NativeAddon");
const membersOf = (names: readonly string[]): Set<string> => new Set(names.flatMap((name) => interfaces.get(name)!));
const sorted = (set: Iterable<string>): string[] => [...set].sort();

describe("the seam", () => {
    it("has every function of NativeAddon, and no other", () => {
        expect(sorted(exported)).toEqual(sorted(interfaces.get("NativeAddon")!));
    });

    it("reads every member of what is handed in, and no other", () => {
        expect(sorted(read)).toEqual(sorted(membersOf(inputs)));
    });

    it("writes every member of what is given back", () => {
        expect(sorted(membersOf(outputs)).filter((name) => !written.has(name))).toEqual([]);
    });

    it("writes nothing that no type has", () => {
        // a range's members (src/limits.ts), an error's, and those that are named by a variable
        const others = new Set(["min", "max", "aboveMin", "code", "message", "details", "handle", "ready"]);
        const known = membersOf(outputs);
        expect(sorted(written).filter((name) => !known.has(name) && !others.has(name))).toEqual([]);
    });
});
