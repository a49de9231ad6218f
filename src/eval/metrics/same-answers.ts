// Which samples of a problem give the same answer: majorities are counted by that.
import type { SampleLine } from "../record/schema.js";
import type { Vote } from "./majority.js";

/** Whether two answers say the same. */
export type SameAnswer = (one: string, other: string) => Promise<boolean>;

/** Groups that an answer is compared with: those with the most samples. */
const mostCompared = 16;

/**
 * Votes of a problem's samples, in their order. All that are right say the same; others are told apart by their letters, then
 * by what they mean. Samples without an answer, and those whose grading took too long, have no vote.
 * @param same undefined: by their letters alone
 */
export async function votesOf(
    samples: readonly Pick<SampleLine, "right" | "extracted" | "timedOut">[],
    same: SameAnswer | undefined
): Promise<Vote[]> {
    const counts = new Map<string, number>();
    for (const { right, extracted, timedOut } of samples) {
        if (right || extracted === null || timedOut) continue;
        counts.set(extracted, (counts.get(extracted) ?? 0) + 1);
    }
    const groupOf = new Map<string, string>();
    const groups: string[] = [];
    // Those with many samples first, so that the result does not depend on which came first.
    const ordered = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    for (const [text] of ordered) {
        const found = same === undefined ? undefined : await likeOne(text, groups.slice(0, mostCompared), same);
        groupOf.set(text, found ?? text);
        if (found === undefined) groups.push(text);
    }
    return samples.map(({ right, extracted, timedOut }) => ({
        answer: right ? 0 : extracted === null || timedOut ? null : `wrong ${groupOf.get(extracted)!}`,
        right
    }));
}

const plainInteger = /^-?\d{1,15}$/;

async function likeOne(text: string, groups: readonly string[], same: SameAnswer): Promise<string | undefined> {
    for (const group of groups) {
        if (plainInteger.test(text) && plainInteger.test(group)) continue;
        if (await same(text, group)) return group;
    }
    return undefined;
}
