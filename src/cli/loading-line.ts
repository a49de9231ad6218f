import type { LoadProgress } from "../loading/load-options.js";
import { formatBytes } from "./output.js";

/** What a status line says of a load: how far it is, and what workers have got. */
export function loadingLine({
    role,
    overall,
    workers = []
}: Pick<LoadProgress, "role" | "overall" | "workers">): string {
    const got = workers.map(({ worker, sentBytes, cachedBytes }) => {
        const cached = cachedBytes === 0 ? "" : `, ${formatBytes(cachedBytes)} were there`;
        return `; ${worker}: ${formatBytes(sentBytes)} sent${cached}`;
    });
    return `loading ${role} ... ${Math.floor(overall * 100)}%${got.join("")}`;
}
