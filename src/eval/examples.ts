// Problems that show what the demo is about: looked for, not made up, and how long is told.

/** Who answers an example; "weak" and "strong" are pairs of small models over one base. */
export type Voice = "base" | "weakExpert" | "weakRast" | "strongExpert" | "strongRast";

/** A kind of example: problems of some wording in which some voices are right and others wrong. */
export interface ExampleKind {
    /** In words, after "where". */
    readonly where: string;
    readonly wording: RegExp;
    readonly right: readonly Voice[];
    readonly wrong: readonly Voice[];
}

/** What was found. */
export interface Example<Problem> {
    readonly kind: ExampleKind;
    readonly problem: Problem;
    /** Its place among all problems. */
    readonly ordinal: number;
    /** How many problems of the wording were looked at, this one included. */
    readonly lookedAt: number;
}

/**
 * The first problem of each kind, none of them twice. A kind that no problem is of is left out.
 * @param isRight lets a voice answer a problem; asked for no more than is needed
 */
export async function* findExamples<Problem extends { readonly prompt: string }>(
    problems: readonly Problem[],
    kinds: readonly ExampleKind[],
    isRight: (voice: Voice, ordinal: number) => Promise<boolean>
): AsyncGenerator<Example<Problem>> {
    const taken = new Set<number>();
    for (const kind of kinds) {
        let lookedAt = 0;
        for (const [ordinal, problem] of problems.entries()) {
            if (!kind.wording.test(problem.prompt) || taken.has(ordinal)) continue;
            lookedAt += 1;
            if (!(await isOf(kind, (voice) => isRight(voice, ordinal)))) continue;
            taken.add(ordinal);
            yield { kind, problem, ordinal, lookedAt };
            break;
        }
    }
}

async function isOf({ right, wrong }: ExampleKind, isRight: (voice: Voice) => Promise<boolean>): Promise<boolean> {
    for (const voice of wrong) if (await isRight(voice)) return false;
    for (const voice of right) if (!(await isRight(voice))) return false;
    return true;
}
