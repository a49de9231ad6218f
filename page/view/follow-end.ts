// The newest text stays in sight while somebody is at the end, and nowhere else.

const nearPixels = 40;

/** Scrolls a chat. */
export class FollowEnd {
    readonly #place: HTMLElement;
    readonly #button: HTMLButtonElement;
    #follows = true;
    #frame = 0;
    // Where it was scrolled to.
    #top = 0;

    constructor(place: HTMLElement, button: HTMLButtonElement) {
        this.#place = place;
        this.#button = button;
        place.addEventListener("scroll", () => {
            const top = place.scrollTop;
            if (this.#distance() < nearPixels) this.#follows = true;
            // The event comes late, and text may have come before it: only who goes up wants to stay.
            else if (top < this.#top) this.#follows = false;
            this.#top = top;
            this.#button.hidden = this.#follows;
        });
        button.addEventListener("click", () => {
            this.toEnd();
            place.focus();
        });
    }

    toEnd(): void {
        this.#follows = true;
        this.#button.hidden = true;
        this.#scroll();
    }

    /** Text has come; it is on the page with the next frame. */
    grown(): void {
        if (!this.#follows || this.#frame !== 0) return;
        this.#frame = requestAnimationFrame(() => {
            this.#frame = 0;
            if (this.#follows) this.#scroll();
        });
    }

    #scroll(): void {
        this.#place.scrollTop = this.#place.scrollHeight;
        this.#top = this.#place.scrollTop;
    }

    #distance(): number {
        const { scrollHeight, scrollTop, clientHeight } = this.#place;
        return scrollHeight - scrollTop - clientHeight;
    }
}
