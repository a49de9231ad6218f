import { describe, expect, it } from "vitest";
import { Channel } from "../../../../src/server/ask/channel.js";

async function all<T>(channel: Channel<T>): Promise<T[]> {
    const items: T[] = [];
    for await (const item of channel) items.push(item);
    return items;
}

describe("a channel", () => {
    it("gives everything in order, what came before the reader and what comes later", async () => {
        const channel = new Channel<number>(() => {});
        const count = 1000;
        for (let i = 0; i < count / 2; i++) channel.push(i);
        const read = all(channel);
        for (let i = count / 2; i < count; i++) {
            channel.push(i);
            if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        channel.end();
        channel.push(-1);
        expect(await read).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(channel.unread).toBe(0);
    });

    it("fails behind what waits", async () => {
        const channel = new Channel<number>(() => {});
        channel.push(1);
        channel.fail(new Error("late"));
        channel.fail(new Error("later"));
        const items: number[] = [];
        await expect(
            (async () => {
                for await (const item of channel) items.push(item);
            })()
        ).rejects.toThrow("late");
        expect(items).toEqual([1]);
    });

    it("is ready with the first item, the end, or a failure", async () => {
        const some = new Channel<number>(() => {});
        setTimeout(() => some.push(1));
        await some.ready();
        expect(some.unread).toBe(1);
        const none = new Channel<number>(() => {});
        none.end();
        await none.ready();
        const broken = new Channel<number>(() => {});
        setTimeout(() => broken.fail(new Error("first")));
        await expect(broken.ready()).rejects.toThrow("first");
        const both = new Channel<number>(() => {});
        both.push(1);
        both.fail(new Error("second"));
        await both.ready();
    });

    it("tells once that its reader has left", async () => {
        let left = 0;
        const channel = new Channel<number>(() => (left += 1));
        channel.push(1);
        channel.push(2);
        for await (const item of channel) {
            expect(item).toBe(1);
            break;
        }
        expect(left).toBe(1);
        channel.push(3);
        expect(channel.unread).toBe(0);
        expect(await all(channel)).toEqual([]);
        expect(left).toBe(1);
    });
});
