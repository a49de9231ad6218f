// Units of measure: which words are some, and whether two are of one kind.

/** A unit as powers of kinds of measure, and how many of the kind's own unit it is. */
interface Unit {
    readonly kinds: Readonly<Record<string, number>>;
    readonly scale: number;
}

const prefixes: Readonly<Record<string, number>> = {
    k: 1e3,
    c: 1e-2,
    m: 1e-3,
    n: 1e-9,
    p: 1e-12,
    M: 1e6,
    G: 1e9,
    μ: 1e-6,
    u: 1e-6
};

/** Symbols that take a prefix. */
const symbols: Readonly<Record<string, readonly [kind: string, scale: number]>> = {
    m: ["length", 1],
    g: ["mass", 1],
    s: ["time", 1],
    L: ["volume", 1],
    l: ["volume", 1],
    Hz: ["frequency", 1],
    J: ["energy", 1],
    N: ["force", 1],
    W: ["power", 1],
    V: ["voltage", 1],
    A: ["current", 1],
    F: ["capacity", 1],
    K: ["temperature", 1],
    Pa: ["pressure", 1],
    eV: ["energy", 1.602176634e-19],
    mol: ["amount", 1],
    M: ["concentration", 1],
    pc: ["length", 3.0856775814913673e16],
    cal: ["energy", 4.184],
    rad: ["angle", 180 / Math.PI]
};

/** Words, in the singular, and symbols that take no prefix. */
const words: Readonly<Record<string, readonly [kind: string, scale: number]>> = {
    meter: ["length", 1],
    metre: ["length", 1],
    kilometer: ["length", 1e3],
    kilometre: ["length", 1e3],
    centimeter: ["length", 1e-2],
    centimetre: ["length", 1e-2],
    millimeter: ["length", 1e-3],
    nanometer: ["length", 1e-9],
    angstrom: ["length", 1e-10],
    inch: ["length", 0.0254],
    inche: ["length", 0.0254],
    in: ["length", 0.0254],
    foot: ["length", 0.3048],
    feet: ["length", 0.3048],
    ft: ["length", 0.3048],
    yard: ["length", 0.9144],
    yd: ["length", 0.9144],
    mile: ["length", 1609.344],
    mi: ["length", 1609.344],
    parsec: ["length", 3.0856775814913673e16],
    gram: ["mass", 1],
    kilogram: ["mass", 1e3],
    pound: ["mass", 453.59237],
    lb: ["mass", 453.59237],
    ounce: ["mass", 28.349523125],
    oz: ["mass", 28.349523125],
    ton: ["mass", 1e6],
    second: ["time", 1],
    sec: ["time", 1],
    minute: ["time", 60],
    min: ["time", 60],
    hour: ["time", 3600],
    hr: ["time", 3600],
    h: ["time", 3600],
    day: ["time", 86400],
    week: ["time", 604800],
    month: ["month", 1],
    year: ["year", 1],
    yr: ["year", 1],
    liter: ["volume", 1],
    litre: ["volume", 1],
    gallon: ["volume", 3.785411784],
    mph: ["speed", 1],
    kph: ["speed", 1],
    joule: ["energy", 1],
    erg: ["energy", 1e-7],
    watt: ["power", 1],
    volt: ["voltage", 1],
    newton: ["force", 1],
    mole: ["amount", 1],
    dollar: ["money", 1],
    buck: ["money", 1],
    usd: ["money", 1],
    cent: ["money", 0.01],
    euro: ["euro", 1],
    eur: ["euro", 1],
    "£": ["sterling", 1],
    degree: ["angle", 1],
    deg: ["angle", 1],
    "°": ["angle", 1],
    "°c": ["temperature", 1],
    "°f": ["fahrenheit", 1],
    radian: ["angle", 180 / Math.PI],
    arcminute: ["angle", 1 / 60],
    arcsecond: ["angle", 1 / 3600],
    arcsec: ["angle", 1 / 3600],
    percent: ["percent", 1],
    "%": ["percent", 1]
};

/** Words that stand beside a unit, or count things, and say nothing of a kind. */
const idle = new Set(["unit", "square", "cubic", "per", "of", "the", "a", "each", "about", "sq", "cu"]);

/** Whether a word alone, behind a number, is surely a unit. @param word as it was written */
export function isUnitWord(word: string): boolean {
    if (word.length === 1) return false;
    const lower = singular(word.toLowerCase());
    return Object.hasOwn(words, lower) || idle.has(lower) || symbolOf(word) !== undefined;
}

/** Whether it is a share of a hundred. */
export function isPercent(unit: string): boolean {
    return unit === "%" || /^per ?cent$/i.test(unit.trim());
}

/** Whether it is an angle in degrees. */
export function isDegree(unit: string): boolean {
    return ["°", "degree", "degrees", "deg"].includes(unit.trim().toLowerCase());
}

/**
 * How many of the second unit one of the first is: 100 of "m" in "cm"; 0 where they measure different things; undefined where
 * one is not known.
 */
export function unitRatio(from: string, to: string): number | undefined {
    const a = read(from);
    const b = read(to);
    if (a === undefined || b === undefined) return undefined;
    const names = new Set([...Object.keys(a.kinds), ...Object.keys(b.kinds)]);
    for (const name of names) if ((a.kinds[name] ?? 0) !== (b.kinds[name] ?? 0)) return 0;
    return a.scale / b.scale;
}

function singular(word: string): string {
    return word.length > 2 && word.endsWith("s") ? word.slice(0, -1) : word;
}

function symbolOf(word: string): readonly [string, number] | undefined {
    if (Object.hasOwn(symbols, word)) return symbols[word];
    const [first = "", rest] = [word[0], word.slice(1)];
    const scale = Object.hasOwn(prefixes, first) ? prefixes[first] : undefined;
    const known = Object.hasOwn(symbols, rest) ? symbols[rest] : undefined;
    return scale === undefined || known === undefined ? undefined : [known[0], known[1] * scale];
}

// "km/h", "cm^2", "square meters", "m s^-1".
function read(text: string): Unit | undefined {
    const kinds: Record<string, number> = {};
    let scale = 1;
    let sign = 1;
    let next = 1;
    let known = false;
    const written = text.replace(/\bmph\b/g, "mi/h").replace(/\bkm?ph\b|\bkmh\b/g, "km/h");
    for (const [piece, slash, word = "", power] of written.matchAll(/(\/)|([\p{L}°%$€£μ]+)(?:\^?\{?(-?\d))?/gu)) {
        if (piece === "/" || slash !== undefined || word.toLowerCase() === "per") {
            sign = -1;
            continue;
        }
        const lower = singular(word.toLowerCase());
        if (lower === "square" || lower === "sq") next = 2;
        else if (lower === "cubic" || lower === "cu") next = 3;
        if (idle.has(lower)) continue;
        const found = symbolOf(word) ?? (Object.hasOwn(words, lower) ? words[lower] : undefined);
        if (found === undefined) return undefined;
        const exponent = sign * next * (power === undefined ? 1 : Number(power));
        kinds[found[0]] = (kinds[found[0]] ?? 0) + exponent;
        scale *= found[1] ** exponent;
        next = 1;
        known = true;
    }
    return known ? { kinds, scale } : undefined;
}
