// A screen in memory (Xvfb), and the little of X11's protocol that tests need: to see what is on it, and to close a window as
// its button does.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { deflateSync } from "node:zlib";

const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter)];

/** Path of Xvfb, where there is one. */
export const xvfb = folders.map((folder) => join(folder, "Xvfb")).find((path) => existsSync(path));

const opcode = {
    getGeometry: 14,
    queryTree: 15,
    internAtom: 16,
    getProperty: 20,
    sendEvent: 25,
    getImage: 73
} as const;
const clientMessage = 33;
const anyPropertyType = 0;

/** A screen of its own. */
export class XServer {
    private constructor(
        private readonly process: ChildProcess,
        /** For DISPLAY. */
        readonly display: string
    ) {}

    static async start(width: number, height: number): Promise<XServer> {
        const args = ["-displayfd", "3", "-screen", "0", `${width}x${height}x24`, "-nolisten", "tcp"];
        const child = spawn(xvfb!, args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
        const number = await new Promise<string>((resolve, reject) => {
            (child.stdio[3] as Readable).once("data", (data: Buffer) => resolve(data.toString().trim()));
            child.once("exit", () => reject(new Error("Xvfb ended")));
            child.once("error", reject);
        });
        return new XServer(child, `:${number}`);
    }

    async stop(): Promise<void> {
        const ended = new Promise((resolve) => this.process.once("exit", resolve));
        this.process.kill();
        await ended;
    }

    /** Asks a window to close, as a window manager does for its button. @returns whether there is one of that title */
    async closeWindow(title: string): Promise<boolean> {
        const client = await XClient.open(this.display);
        try {
            const protocols = await client.atom("WM_PROTOCOLS");
            const deleteWindow = await client.atom("WM_DELETE_WINDOW");
            const name = await client.atom("WM_NAME");
            for (const window of await client.children(client.root)) {
                if ((await client.property(window, name)).toString() !== title) continue;
                client.sendMessage(window, protocols, deleteWindow);
                await client.children(client.root); // it has arrived
                return true;
            }
            return false;
        } finally {
            client.close();
        }
    }

    /** What is on the screen: 4 bytes a pixel, blue, green, red and nothing. */
    async pixels(width: number, height: number): Promise<Buffer> {
        const client = await XClient.open(this.display);
        try {
            return await client.image(client.root, width, height);
        } finally {
            client.close();
        }
    }
}

/** A PNG file of what `pixels` gives. */
export function png(pixels: Buffer, width: number, height: number): Buffer {
    const rows = Buffer.alloc(height * (1 + 3 * width));
    for (let at = 0; at < width * height; ++at) {
        const to = Math.floor(at / width) + 1 + 3 * at;
        for (const [channel, from] of [2, 1, 0].entries()) rows[to + channel] = pixels[4 * at + from]!;
    }
    const chunk = (type: string, data: Buffer): Buffer => {
        const body = Buffer.concat([Buffer.from(type), data]);
        return Buffer.concat([uint32(data.length), body, uint32(crc32(body))]);
    };
    const trueColour = Buffer.from([8, 2, 0, 0, 0]);
    return Buffer.concat([
        Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
        chunk("IHDR", Buffer.concat([uint32(width), uint32(height), trueColour])),
        chunk("IDAT", deflateSync(rows, { level: 9 })),
        chunk("IEND", Buffer.alloc(0))
    ]);
}

function uint32(value: number): Buffer {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(value >>> 0);
    return buffer;
}

// node:zlib has it from Node.js 22.2 on.
function crc32(data: Buffer): number {
    let crc = ~0;
    for (const byte of data) {
        crc ^= byte;
        for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

class XClient {
    #buffer = Buffer.alloc(0);
    #waiting: { readonly bytes: number; readonly resolve: (data: Buffer) => void }[] = [];

    private constructor(
        private readonly socket: Socket,
        /** Of the first screen. */
        public root: number
    ) {
        socket.on("data", (data: Buffer) => {
            this.#buffer = Buffer.concat([this.#buffer, data]);
            this.#deliver();
        });
    }

    static async open(display: string): Promise<XClient> {
        const socket = connect(`/tmp/.X11-unix/X${display.slice(1)}`);
        const client = new XClient(socket, 0);
        const hello = Buffer.alloc(12);
        hello.write("l");
        hello.writeUInt16LE(11, 2);
        socket.write(hello);
        const head = await client.#read(8);
        if (head[0] !== 1) throw new Error("The X server refuses.");
        const setup = await client.#read(4 * head.readUInt16LE(6));
        const vendor = setup.readUInt16LE(16);
        const formats = setup[21]!;
        client.root = setup.readUInt32LE(32 + 4 * Math.ceil(vendor / 4) + 8 * formats);
        return client;
    }

    close(): void {
        this.socket.destroy();
    }

    async atom(name: string): Promise<number> {
        const body = Buffer.alloc(4 + 4 * Math.ceil(name.length / 4));
        body.writeUInt16LE(name.length, 0);
        body.write(name, 4);
        return (await this.#ask(opcode.internAtom, 0, body)).readUInt32LE(8);
    }

    async children(window: number): Promise<number[]> {
        const reply = await this.#ask(opcode.queryTree, 0, words(window));
        return Array.from({ length: reply.readUInt16LE(16) }, (_, index) => reply.readUInt32LE(32 + 4 * index));
    }

    async property(window: number, name: number): Promise<Buffer> {
        const reply = await this.#ask(opcode.getProperty, 0, words(window, name, anyPropertyType, 0, 64));
        return reply.subarray(32, 32 + (reply.readUInt32LE(16) * reply[1]!) / 8);
    }

    sendMessage(window: number, type: number, ...data: number[]): void {
        const event = Buffer.alloc(32);
        event[0] = clientMessage;
        event[1] = 32;
        event.writeUInt32LE(window, 4);
        event.writeUInt32LE(type, 8);
        data.forEach((word, index) => event.writeUInt32LE(word, 12 + 4 * index));
        this.#send(opcode.sendEvent, 0, Buffer.concat([words(window, 0), event]));
    }

    async image(window: number, width: number, height: number): Promise<Buffer> {
        const zPixmap = 2;
        const size = Buffer.alloc(8);
        size.writeUInt16LE(width, 4);
        size.writeUInt16LE(height, 6);
        const reply = await this.#ask(
            opcode.getImage,
            zPixmap,
            Buffer.concat([words(window), size, words(0xffffffff)])
        );
        return reply.subarray(32);
    }

    #send(code: number, detail: number, body: Buffer): void {
        const head = Buffer.from([code, detail, 0, 0]);
        head.writeUInt16LE(1 + body.length / 4, 2);
        this.socket.write(Buffer.concat([head, body]));
    }

    async #ask(code: number, detail: number, body: Buffer): Promise<Buffer> {
        this.#send(code, detail, body);
        const head = await this.#read(32);
        if (head[0] !== 1) throw new Error(`X11: request ${code} failed with error ${head[1]}`);
        return Buffer.concat([head, await this.#read(4 * head.readUInt32LE(4))]);
    }

    #read(bytes: number): Promise<Buffer> {
        return new Promise((resolve) => {
            this.#waiting.push({ bytes, resolve });
            this.#deliver();
        });
    }

    #deliver(): void {
        for (
            let next = this.#waiting[0];
            next !== undefined && this.#buffer.length >= next.bytes;
            next = this.#waiting[0]
        ) {
            this.#waiting.shift();
            next.resolve(this.#buffer.subarray(0, next.bytes));
            this.#buffer = this.#buffer.subarray(next.bytes);
        }
    }
}

function words(...values: number[]): Buffer {
    const buffer = Buffer.alloc(4 * values.length);
    values.forEach((value, index) => buffer.writeUInt32LE(value, 4 * index));
    return buffer;
}
