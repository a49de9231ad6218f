import { expect, it } from "vitest";
import { restartDelayMs } from "../../../src/workers/restart-delay.js";

it("comes back at once at first, and ever more slowly to those who go on", () => {
    const delays = Array.from({ length: 20 }, (_, index) => restartDelayMs(index + 1));
    expect(delays.slice(0, 5)).toEqual([100, 100, 100, 200, 400]);
    expect(delays.at(-1)).toBe(30_000);
    expect(delays).toEqual([...delays].sort((one, other) => one - other));
});
