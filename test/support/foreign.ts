// Objects of a caller that misbehave: what a request must survive.

/** A proxy whose every use throws. */
export function revoked<T extends object>(target: T): T {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
}

/** An object with one property that throws when it is read. */
export function throwing(name: string, rest: object = {}): Record<string, unknown> {
    return Object.defineProperty({ ...rest }, name, {
        enumerable: true,
        get: () => {
            throw new Error(`no ${name}`);
        }
    });
}

/** A signal in everything but its class, which counts its listeners. */
export class CountingSignal {
    aborted = false;
    reason: unknown = undefined;
    readonly listeners = new Set<() => void>();
    added = 0;

    addEventListener(_type: string, listener: () => void): void {
        this.listeners.add(listener);
        this.added++;
    }

    removeEventListener(_type: string, listener: () => void): void {
        this.listeners.delete(listener);
    }

    abort(reason: unknown = "enough"): void {
        this.aborted = true;
        this.reason = reason;
        for (const listener of [...this.listeners]) listener();
    }

    asSignal(): AbortSignal {
        return this as unknown as AbortSignal;
    }
}
