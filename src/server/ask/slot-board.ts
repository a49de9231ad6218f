// Which request has which slot of a model. The engine gives a free slot to what waits longest, and so does this; the numbers are the server's.

/** A generation at work. */
export interface WorkInSlot {
    /** From 1, of the server's life. */
    readonly number: number;
    /** The request's id, as its response's header x-request-id has it. */
    readonly request: string;
    /** From 0, within the request. */
    readonly choice: number;
}

interface Model {
    readonly slots: (WorkInSlot | undefined)[];
    readonly waiting: WorkInSlot[];
}

/** All models' slots. */
export class SlotBoard {
    readonly #models = new Map<string, Model>();
    #number = 0;

    /**
     * Generations begin here when they are given to an engine.
     * @param slots how many that engine has
     * @returns ends it; may be called again, to no effect
     */
    enter(model: string, slots: number, work: Omit<WorkInSlot, "number">): () => void {
        const own = this.#models.get(model) ?? { slots: [], waiting: [] };
        this.#models.set(model, own);
        const entered: WorkInSlot = { ...work, number: ++this.#number };
        const free = Array.from({ length: slots }, (_, id) => id).find((id) => own.slots[id] === undefined);
        if (free === undefined) own.waiting.push(entered);
        else own.slots[free] = entered;
        return () => {
            const slot = own.slots.indexOf(entered);
            if (slot >= 0) own.slots[slot] = own.waiting.shift();
            else if (own.waiting.includes(entered)) own.waiting.splice(own.waiting.indexOf(entered), 1);
        };
    }

    /** What is at work there, if anything is. */
    at(model: string, slot: number): WorkInSlot | undefined {
        return this.#models.get(model)?.slots[slot];
    }

    /** How many are at work, and how many wait, of a model. */
    counts(model: string): { readonly working: number; readonly waiting: number } {
        const { slots = [], waiting = [] } = this.#models.get(model) ?? {};
        return { working: slots.filter((one) => one !== undefined).length, waiting: waiting.length };
    }
}
