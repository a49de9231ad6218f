// A tab of headless Chromium that notes whatever a page must not do.
import {
    chromium as playwright,
    type Browser,
    type BrowserContextOptions,
    type CDPSession,
    type Page
} from "playwright-core";
import { chromium } from "./chromium.js";

/** One browser for many tabs. */
export function startBrowser(): Promise<Browser> {
    return playwright.launch({ executablePath: chromium!, args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
}

/** A tab, and what went wrong in it. */
export class WatchedPage {
    /** Errors of the console and of scripts, violations of the policy, requests to anybody else. */
    readonly problems: string[] = [];

    private constructor(
        readonly page: Page,
        private readonly session: CDPSession
    ) {}

    /**
     * @param url whose server alone the page may ask; a file may ask for nothing else
     * @param prepare is given the tab before the page is in it
     */
    static async open(
        browser: Browser,
        url: string,
        options: BrowserContextOptions = {},
        prepare: (page: Page) => Promise<void> = async () => {}
    ): Promise<WatchedPage> {
        const context = await browser.newContext(options);
        const page = await context.newPage();
        const watched = new WatchedPage(page, await context.newCDPSession(page));
        const { problems } = watched;
        page.on("console", (message) => {
            // The browser's own line for a status that tests ask for.
            const isStatus = /^Failed to load resource: the server responded with a status of/.test(message.text());
            if (["error", "warning"].includes(message.type()) && !isStatus) problems.push(message.text());
        });
        page.on("pageerror", (error) => problems.push(String(error)));
        const { origin, protocol } = new URL(url);
        const own = protocol === "file:" ? url : `${origin}/`;
        page.on("request", (request) => {
            const asked = request.url();
            if (!asked.startsWith(own) && !/^(?:data|blob):/.test(asked)) problems.push(`asked ${asked}`);
        });
        page.on("popup", (popup) => problems.push(`opened ${popup.url()}`));
        await page.addInitScript(`document.addEventListener("securitypolicyviolation", (event) =>
            console.error("policy: " + event.violatedDirective + " " + event.blockedURI))`);
        await prepare(page);
        await page.goto(url);
        return watched;
    }

    /** The value of an expression in the page, whatever its policy says of eval. */
    async evaluate<T>(expression: string): Promise<T> {
        const { result, exceptionDetails } = await this.session.send("Runtime.evaluate", {
            expression,
            returnByValue: true,
            awaitPromise: true
        });
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return result.value as T;
    }

    /** The same tab as one that was never there: sooner than another. */
    async anew(url: string): Promise<void> {
        await this.evaluate("sessionStorage.clear()");
        await this.page.goto("about:blank");
        await this.session.send("Storage.clearDataForOrigin", { origin: new URL(url).origin, storageTypes: "all" });
        await this.page.goto(url);
    }

    async close(): Promise<void> {
        await this.page.context().close();
    }
}
