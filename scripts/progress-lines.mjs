// How far a build is, for who watches no terminal: a line for every tenth of it, and one when nothing came for a while.

/**
 * @param {(line: string) => void} write is given lines without their newline
 * @param {string} what "Compiling the addon"
 * @param {{ silentMs?: number, now?: () => number }} [options] silentMs: a line comes at least so often
 * @returns {{ show: (done: number, all: number) => void, clear: () => void }} `clear` ends it
 */
export function progressLines(write, what, { silentMs = 10_000, now = Date.now } = {}) {
    const start = now();
    let [shown, percent] = [0, 0];
    const say = () => {
        shown = percent;
        write(`${what}: ${percent}% after ${Math.round((now() - start) / 1000)} s`);
        timer.refresh();
    };
    const timer = setTimeout(say, silentMs);
    // what is done ends whoever waits for it
    timer.unref();
    return {
        show: (done, all) => {
            // a second count, such as that of a build made again, begins at nothing
            percent = Math.floor((100 * done) / Math.max(1, all));
            if (percent < shown) shown = 0;
            if (Math.floor(percent / 10) > Math.floor(shown / 10)) say();
        },
        clear: () => clearTimeout(timer)
    };
}
