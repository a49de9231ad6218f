import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { policyOf, readChatPage } from "../../../src/server/page.js";

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("the page's policy", () => {
    test("names its script and its style sheet by hash, and allows nothing besides", () => {
        const policy = policyOf("<style>a{}</style><body><script>let x;</script>");
        const parts = new Map(
            policy.split("; ").map((part) => [part.split(" ")[0]!, part.split(" ").slice(1).join(" ")])
        );
        expect(parts.get("default-src")).toBe("'none'");
        expect(parts.get("script-src")).toBe(hash("let x;"));
        expect(parts.get("style-src")).toBe(hash("a{}"));
        expect(parts.get("connect-src")).toBe("'self'");
        expect(parts.get("frame-ancestors")).toBe("'none'");
        expect(parts.get("require-trusted-types-for")).toBe("'script'");
        expect(policy).not.toContain("unsafe");
    });

    test.each(["<script>a</script>", "<style>a</style><script>a</script><script>b</script>"])(
        "of %s there is none",
        (html) => {
            expect(() => policyOf(html)).toThrow(expect.objectContaining({ code: "ERR_INTERNAL" }) as Error);
        }
    );

    test("a page that is not there is an error that names it", async () => {
        await expect(readChatPage("/nowhere/index.html")).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            details: { path: "/nowhere/index.html" }
        });
    });
});
