// How often a text that grows is drawn again.

/** So many times as long as a drawing took it rests: keys and clicks have most of the time, whatever a text is made of. */
const rests = 3;

/** Draws with the next frame of the screen, or once it has rested. */
export class Pace {
    readonly #draw: () => void;
    #frame = 0;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #restsUntil = 0;

    constructor(draw: () => void) {
        this.#draw = draw;
    }

    /** There is something to draw. */
    ask(): void {
        if (this.#frame !== 0 || this.#timer !== undefined) return;
        const rest = this.#restsUntil - performance.now();
        if (rest > 0) this.#timer = setTimeout(() => this.#atFrame(), rest);
        else this.#atFrame();
    }

    /** Nothing of what was asked for is drawn any more. */
    stop(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        cancelAnimationFrame(this.#frame);
        this.#frame = 0;
    }

    #atFrame(): void {
        this.#timer = undefined;
        this.#frame = requestAnimationFrame(() => {
            this.#frame = 0;
            const start = performance.now();
            this.#draw();
            // Behind this frame, so that the browser's own part counts: laying it out takes longer than making it.
            setTimeout(() => {
                const end = performance.now();
                this.#restsUntil = end + rests * Math.max(0, end - start - frameMs);
            });
        });
    }
}

/** What a frame may take anyhow. */
const frameMs = 16;
