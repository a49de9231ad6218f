import { RequestError } from "../http/request-error.js";

/** Requests at work or waiting, over all models; with more than may be, the next is refused. */
export class Door {
    #count = 0;
    readonly #most: number;

    constructor(most: number) {
        this.#most = most;
    }

    /** @returns lets the next one in; may be called again, to no effect @throws RequestError 429 */
    enter(): () => void {
        if (this.#count >= this.#most) {
            throw new RequestError(429, `${this.#most} requests are at work or waiting; come again.`, {
                code: "rate_limit_exceeded",
                retryAfterSeconds: 1
            });
        }
        this.#count += 1;
        let inside = true;
        return () => {
            if (inside) this.#count -= 1;
            inside = false;
        };
    }
}
