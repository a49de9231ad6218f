// Data sets that are known by name, and where the hub has them: fetched when first used, never part of this package.

/** A file of a data set at a hub. */
export interface HubDataFile {
    /** "owner/name", of a data set. */
    readonly repository: string;
    /** A commit, or a branch. */
    readonly revision: string;
    readonly path: string;
}

/** A data set that is known by name. */
export interface NamedSet {
    readonly description: string;
    readonly problems: number;
    /** JSON lines; the first that there is. */
    readonly files: readonly HubDataFile[];
}

// The evaluation data of Qwen2.5-Math, from which the paper's line of work takes these files; JSON lines throughout.
const mathTasks = (path: string): HubDataFile => ({
    repository: "HuggingFaceTB/math_tasks",
    revision: "3d34f1076f279000b9315583dcdacfd288898283",
    path: `data/${path}/test.jsonl`
});
const main = (repository: string): HubDataFile => ({ repository, revision: "main", path: "test.jsonl" });

/** By name. */
export const namedSets: Readonly<Record<string, NamedSet>> = {
    gsm8k: {
        description: "GSM8K, grade school problems in words",
        problems: 1319,
        files: [mathTasks("gsm8k"), main("DaertML/gsm8k-jsonl")]
    },
    math500: {
        description: "500 problems of MATH",
        problems: 500,
        files: [
            {
                repository: "HuggingFaceH4/MATH-500",
                revision: "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
                path: "test.jsonl"
            }
        ]
    },
    aime24: { description: "AIME 2024", problems: 30, files: [mathTasks("aime24")] },
    amc23: { description: "AMC 2023", problems: 40, files: [mathTasks("amc23")] },
    minerva: {
        description: "Minerva, university courses",
        problems: 272,
        files: [mathTasks("minerva_math"), main("svc-huggingface/minerva-math"), main("math-ai/minervamath")]
    },
    olympiadbench: {
        description: "OlympiadBench, open answers in English, text alone",
        problems: 675,
        files: [mathTasks("olympiadbench"), main("math-ai/olympiadbench")]
    }
};

/** Other spellings of their names. */
const aliases: Readonly<Record<string, string>> = {
    "math-500": "math500",
    aime2024: "aime24",
    amc: "amc23",
    minerva_math: "minerva",
    olympiad: "olympiadbench",
    olympiad_bench: "olympiadbench"
};

/** The name as it stands in `namedSets`; undefined where it is none. */
export function knownName(name: string): string | undefined {
    const lower = name.toLowerCase();
    const known = aliases[lower] ?? lower;
    return Object.hasOwn(namedSets, known) ? known : undefined;
}
