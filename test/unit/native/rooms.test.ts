import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../support/native.js";

/** Which rooms of native/ each may include from, beside itself and error.h. As ARCHITECTURE.md draws them. */
const rooms: Readonly<Record<string, readonly string[]>> = {
    llama: [],
    threads: [],
    linear: [],
    rpc: ["llama"],
    text: ["llama", "threads"],
    sampling: ["llama"],
    files: ["llama", "linear", "text", "threads"],
    schema: ["threads"],
    grammar: ["llama", "threads", "text", "sampling"],
    engine: ["llama", "threads", "text", "sampling", "files", "grammar", "rpc"],
    napi: ["llama", "rpc", "threads", "text", "files", "schema", "grammar", "engine"]
};

const native = join(root, "native");
const sources = (room: string): string[] =>
    readdirSync(join(native, room))
        .filter((name) => /\.(h|cpp)$/.test(name))
        .map((name) => join(native, room, name));

describe("rooms of the native code", () => {
    it.each(Object.keys(rooms))("%s includes from those below it alone", (room) => {
        const files = sources(room);
        expect(files.length).toBeGreaterThan(0);
        const wrong: string[] = [];
        for (const file of files) {
            for (const [, path] of readFileSync(file, "utf8").matchAll(/#\s*include "([^"]+)"/g)) {
                // llama.cpp's headers and the generated version stand without a folder
                if (!path!.startsWith("../")) continue;
                const from = dirname(relative(native, normalize(join(dirname(file), path!))));
                if (from !== "." && from !== room && !rooms[room]!.includes(from)) wrong.push(`${file}: ${path}`);
            }
        }
        expect(wrong).toEqual([]);
    });

    it("are all in the package, which compiles itself where it is installed", () => {
        const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
        const packed = (room: string): boolean =>
            files.includes(`native/${room}`) || files.includes(`native/${room}/*.cpp`);
        expect(Object.keys(rooms).filter((room) => !packed(room))).toEqual([]);
        const folders = readdirSync(native, { withFileTypes: true }).filter((entry) => entry.isDirectory());
        expect(folders.map(({ name }) => name).filter((name) => !["fuzz", "test"].includes(name))).toEqual(
            Object.keys(rooms).sort()
        );
    });

    // CMake compiles several files of a library as one (RAST_UNITY)
    it.each([
        ["rast-engine", ["engine", "files", "grammar", "linear", "llama", "rpc", "sampling", "text", "threads"]],
        ["rast-schema", ["schema"]],
        ["rast-addon", ["napi"]]
    ])("%s: names of constants and types in anonymous namespaces differ", (_, within) => {
        const owners = new Map<string, Set<string>>();
        for (const file of within.flatMap(sources).filter((path) => path.endsWith(".cpp"))) {
            for (const [, body] of readFileSync(file, "utf8").matchAll(/^namespace \{$(.*?)^\} {2}\/\/ namespace$/gms)) {
                for (const [, name] of body!.matchAll(
                    /^(?:(?:static )?constexpr [\w:<>,* ]+?|(?:class|struct|enum class) )(\w+)(?:\[\])?(?: =|\{| \{)/gm
                ))
                    owners.set(name!, (owners.get(name!) ?? new Set()).add(relative(native, file)));
            }
        }
        expect(owners.size).toBeGreaterThan(2);
        expect([...owners].filter(([, files]) => files.size > 1).map(([name, files]) => [name, ...files])).toEqual([]);
    });

    // native/hot_loops.h says why
    it("have no function compiled for several processors that could throw", () => {
        let seen = 0;
        const wrong: string[] = [];
        for (const file of Object.keys(rooms).flatMap(sources)) {
            const text = readFileSync(file, "utf8");
            for (const [, head, body] of text.matchAll(/^RAST_HOT\s+([^{;]*?)\{\n(.*?)^\}$/gms)) {
                seen += 1;
                const name = `${relative(native, file)}: ${head!.replace(/\s+/g, " ")}`;
                if (!head!.trimEnd().endsWith("noexcept")) wrong.push(name);
                const throwing = /std::(?:vector|string|function|unique_ptr)\b|\b(?:push_back|emplace_back|insert|assign|resize|reserve|new|throw|at)\b/;
                if (throwing.test(`${head!}${body!}`)) wrong.push(`${name}: ${throwing.exec(head! + body!)![0]}`);
            }
        }
        const marks = Object.keys(rooms).flatMap(sources).flatMap((file) => [...readFileSync(file, "utf8").matchAll(/^\s*RAST_HOT\b/gm)]);
        expect(seen).toBe(marks.length);
        expect(seen).toBeGreaterThan(10);
        expect(wrong).toEqual([]);
    });

    it("are all there are", () => {
        const folders = readdirSync(native, { withFileTypes: true }).filter((entry) => entry.isDirectory());
        const known = [...Object.keys(rooms), "test", "fuzz"].sort();
        expect(folders.map(({ name }) => name).sort()).toEqual(known);
    });
});
