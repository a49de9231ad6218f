import type { LoadOptions } from "../../loading/load-options.js";
import { RastError } from "../../errors.js";
import {
    expandHome,
    fileFlag,
    repeatableFlag,
    textFlag,
    toNumber,
    under,
    type Flag,
    type FlagValues
} from "../flag.js";

const paths = (texts: readonly string[]): readonly string[] => texts.map(expandHome);

/** Which models are meant. */
export const modelFlags = under("Models", {
    trio: fileFlag("--trio <name|file>", "a trio by its name, its file (JSON), or the folder of its file"),
    base: fileFlag("--base <file>", "the large model (GGUF); alone, it runs as a plain model"),
    expert: repeatableFlag(
        "--expert <file>",
        "the small model after reinforcement learning; repeat for further pairs",
        paths
    ),
    antiexpert: repeatableFlag("--antiexpert <file>", "the same small model before it; repeat for further pairs", paths)
});

/** How much of the delta is added, and to which tokens. */
export const strengthFlags = under("Models", {
    specialTokens: textFlag(
        "--special-tokens <same|by-role>",
        "whether special tokens may differ between models (default by-role)"
    ) as Flag<NonNullable<LoadOptions["specialTokens"]>>,
    lambda: repeatableFlag(
        "--lambda <number>",
        "strength of the delta, -10 to 10; repeat for further pairs",
        (texts, name) => {
            const lambdas = texts.map((text) => toNumber(text, name));
            return lambdas.length === 1 ? lambdas[0]! : lambdas;
        }
    )
});

/** What `LoadOptions` says of the models. */
export type ModelChoice = Pick<LoadOptions, "trio" | "base" | "expert" | "antiexpert" | "pairs">;

/** A model's options beside its path. */
export type Placement = { device?: readonly string[]; gpuLayers?: "auto" | number };

/**
 * @param places what is to differ for a role
 * @throws ERR_INVALID_OPTION unless there is a trio or a base, and as many antiexperts as experts
 */
export async function chooseModels(
    { trio, base, expert: experts = [], antiexpert: antiexperts = [] }: FlagValues<typeof modelFlags>,
    places: Readonly<Partial<Record<"base" | "expert" | "antiexpert", Placement>>> = {}
): Promise<ModelChoice> {
    if (trio === undefined && base === undefined) {
        const { bundledTrioFolder, trioNames } = await import("../../trio/trio.js");
        const names = (await trioNames([bundledTrioFolder()])).join(", ");
        const message =
            `No models: give --trio NAME (${names} come with the package, rast trios lists all), ` +
            "or --base FILE with --expert FILE and --antiexpert FILE.";
        throw new RastError("ERR_INVALID_OPTION", message);
    }
    if (experts.length !== antiexperts.length && trio === undefined) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected as many --antiexpert as --expert, received ${antiexperts.length} and ${experts.length}.`
        );
    }
    const model = (path: string | undefined, role: keyof typeof places): { path?: string } & Placement => ({
        ...(path === undefined ? {} : { path }),
        ...places[role]
    });
    const choice: ModelChoice = {};
    const set = (role: keyof typeof places, path: string | undefined): void => {
        const options = model(path, role);
        if (Object.keys(options).length > 0) choice[role] = options;
    };
    if (trio !== undefined) choice.trio = trio;
    set("base", base);
    if (experts.length > 1) {
        choice.pairs = experts.map((path, index) => ({
            expert: model(path, "expert"),
            antiexpert: model(antiexperts[index], "antiexpert")
        }));
        return choice;
    }
    set("expert", experts[0]);
    set("antiexpert", antiexperts[0]);
    return choice;
}
