// What stands in a record of an evaluation: JSON lines, a head, then contestants and their samples as they came.

/** In the head: readers refuse what they do not know. */
export const recordFormat = "rast-eval/1" satisfies RecordHead["format"];

/** What is asked, where it is from, and which problems there are. */
export interface RecordedData {
    /** "math500", "sums", or a file's name. */
    readonly name: string;
    /** Where it was read: a file's name or "hf:datasets/owner/repository/file". */
    readonly source: string;
    /** Of ids, questions and answers of all its problems. */
    readonly sha256: string;
    /** Problems that it has. */
    readonly problems: number;
    /** How answers are graded: as `rast grade` does, or to the letter, as the demo's sums are. */
    readonly grading: "math" | "sums";
}

/** How problems are put to a model. */
export interface RecordedPrompt {
    /** Its name, or that of its file. */
    readonly style: string;
    /** Solved problems in front. */
    readonly shots: number;
    /** Of the style's text and the solved problems. */
    readonly sha256: string;
    /** Text that ends a completion. */
    readonly stop: readonly string[];
    /** Whether a chat's model reasons first; null where the style is no chat. */
    readonly thinking: boolean | "auto" | null;
}

/** Settings of draws, by their names in `rast.generate`. */
export type RecordedSampling = Readonly<Record<string, number>>;

/** Versions that draws depend on. */
export interface RecordedVersions {
    /** Of this package. */
    readonly rast: string;
    /** Of llama.cpp. */
    readonly llamaCpp: string;
}

/** The first line: what all samples have in common. */
export interface RecordHead {
    /** Tells it from other lines. */
    readonly type: "head";
    /** Tells its version. */
    readonly format: "rast-eval/1";
    /** What is asked. */
    readonly data: RecordedData;
    /** How it is asked. */
    readonly prompt: RecordedPrompt;
    /** How tokens are drawn. */
    readonly sampling: RecordedSampling;
    /** Of all draws. */
    readonly seed: number;
    /** That draws depend on. */
    readonly versions: RecordedVersions;
}

/** A LoRA adapter by its content. */
export interface RecordedAdapter {
    /** The file's name without its folder. */
    readonly file: string;
    /** Of its content. */
    readonly sha256: string;
    /** How much of it is added. */
    readonly scale: number;
}

/** A model behind a server. */
export interface RecordedServer {
    /** Address of the API. */
    readonly url: string;
    /** What it was asked for. */
    readonly model: string;
}

/** A model file by its content. */
export interface RecordedModel {
    /** "base", "expert", "antiexpert", with the number of the pair behind it where there are several. */
    readonly role: string;
    /** The file's name without its folder. */
    readonly file: string;
    /** Of headers and weights: see "fingerprint" in ARCHITECTURE.md. */
    readonly fingerprint: string;
    /** LoRA adapters on it. */
    readonly adapters: readonly RecordedAdapter[];
}

/** What somebody is in an evaluation. */
export type ContestantRole = "base" | "expert" | "antiexpert" | "rast" | "reference" | "server";

/** Who answers; in front of the first of its samples. */
export interface ContestantLine {
    /** Tells it from other lines. */
    readonly type: "contestant";
    /** Its name in the record: no two are the same. */
    readonly label: string;
    /** What it is. */
    readonly role: ContestantRole;
    /** Name of its trio; null where models were given by path, and for servers. */
    readonly trio: string | null;
    /** Strength of the delta, one per pair; null unless the role is "rast". */
    readonly lambda: readonly number[] | null;
    /** Those that its distribution is made of; none of a server's. */
    readonly models: readonly RecordedModel[];
    /** A server's address and the model that it was asked for. */
    readonly server: RecordedServer | null;
}

/** A finished sample. */
export interface SampleLine {
    readonly type: "sample";
    /** Its label. */
    readonly contestant: string;
    /** Place among all problems of the data set, from 0. */
    readonly problem: number;
    /** The problem's own name. */
    readonly id: string;
    /** Which of its samples, from 0. */
    readonly sample: number;
    /** `rast.generate` gives the same text again for seed and ordinal. */
    readonly seed: number;
    readonly ordinal: number;
    /** What was said, behind the reasoning of a chat's model. */
    readonly output: string;
    /** The right answer. */
    readonly answer: string;
    readonly right: boolean;
    /** What was taken for its answer; null where there is none. */
    readonly extracted: string | null;
    /** Why it is right or wrong. */
    readonly reason: string;
    /** Grading took too long: it counts as wrong. */
    readonly timedOut: boolean;
    /** Why the text ended: "eos", "stopString", "maxTokens" ...; "error" where the problem cannot be asked at all. */
    readonly stop: string;
    /** Of the text; null where a server does not say. */
    readonly tokens: number | null;
    /** What the sample took of its engine, in milliseconds: its time by how many ran at once. */
    readonly ms: number;
}

/** A line of a record. */
export type RecordLine = RecordHead | ContestantLine | SampleLine;
