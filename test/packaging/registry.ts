// A registry on this machine that holds the packed package, so that package managers install it by its name. Of what else is
// asked for it sends them on to the registry that npm is set to.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A package in the registry. */
export interface Held {
    readonly manifest: { readonly name: string; readonly version: string };
    /** The packed file. */
    readonly tarball: string;
}

/** @param upstream where everything else is */
export class Registry {
    readonly #server: Server;
    readonly #held: ReadonlyMap<string, Held>;

    constructor(held: readonly Held[], upstream: string) {
        this.#held = new Map(held.map((one) => [one.manifest.name, one]));
        this.#server = createServer((request, response) => {
            const path = decodeURIComponent(new URL(request.url!, "http://x").pathname.slice(1));
            const file = /^-\/(.*)\.tgz$/.exec(path);
            const one = this.#held.get(file?.[1] ?? path);
            if (one === undefined) {
                response.writeHead(307, { location: new URL(request.url!.slice(1), upstream).href }).end();
            } else if (file !== null) {
                response.writeHead(200, { "content-type": "application/octet-stream" }).end(readFileSync(one.tarball));
            } else {
                response
                    .writeHead(200, { "content-type": "application/json" })
                    .end(JSON.stringify(this.#document(one)));
            }
        });
    }

    #document({ manifest, tarball }: Held): object {
        const { name, version } = manifest;
        const content = readFileSync(tarball);
        const dist = {
            tarball: `${this.url}-/${name}.tgz`,
            shasum: createHash("sha1").update(content).digest("hex"),
            integrity: `sha512-${createHash("sha512").update(content).digest("base64")}`
        };
        const versions = { [version]: { ...manifest, dist } };
        // Package managers may refuse what is too new.
        const time = {
            created: "2020-01-01T00:00:00.000Z",
            modified: "2020-01-01T00:00:00.000Z",
            [version]: "2020-01-01T00:00:00.000Z"
        };
        return { name, "dist-tags": { latest: version }, versions, time };
    }

    get url(): string {
        return `http://localhost:${(this.#server.address() as AddressInfo).port}/`;
    }

    async listen(): Promise<void> {
        await new Promise<void>((resolve) => this.#server.listen(0, "localhost", resolve));
    }

    async close(): Promise<void> {
        this.#server.closeAllConnections();
        await new Promise((resolve) => this.#server.close(resolve));
    }
}
