// Memory bandwidth of usual cards and machines: what decides how fast tokens come, as every token reads all weights once.
// Vendors' figures, in GB/s (10^9 bytes).

/** A card by its name, and what its maker says of it. */
export interface Card {
    /** Matched within a device's description, without regard to case. */
    readonly name: string;
    readonly gigabytesPerSecond: number;
}

/** Longer names first: "RTX 4060 Ti" before "RTX 4060". */
export const cards: readonly Card[] = [
    { name: "RTX PRO 6000", gigabytesPerSecond: 1792 },
    { name: "RTX 5090", gigabytesPerSecond: 1792 },
    { name: "RTX 5080", gigabytesPerSecond: 960 },
    { name: "RTX 5070 Ti", gigabytesPerSecond: 896 },
    { name: "RTX 5070", gigabytesPerSecond: 672 },
    { name: "RTX 5060 Ti", gigabytesPerSecond: 448 },
    { name: "RTX 5060", gigabytesPerSecond: 448 },
    { name: "RTX 4090", gigabytesPerSecond: 1008 },
    { name: "RTX 4080 SUPER", gigabytesPerSecond: 736 },
    { name: "RTX 4080", gigabytesPerSecond: 717 },
    { name: "RTX 4070 Ti SUPER", gigabytesPerSecond: 672 },
    { name: "RTX 4070", gigabytesPerSecond: 504 },
    { name: "RTX 4060 Ti", gigabytesPerSecond: 288 },
    { name: "RTX 4060", gigabytesPerSecond: 272 },
    { name: "RTX 3090 Ti", gigabytesPerSecond: 1008 },
    { name: "RTX 3090", gigabytesPerSecond: 936 },
    { name: "RTX 3080 Ti", gigabytesPerSecond: 912 },
    { name: "RTX 3080", gigabytesPerSecond: 760 },
    { name: "RTX 3070", gigabytesPerSecond: 448 },
    { name: "RTX 3060 Ti", gigabytesPerSecond: 448 },
    { name: "RTX 3060", gigabytesPerSecond: 360 },
    { name: "RTX A6000", gigabytesPerSecond: 768 },
    { name: "RTX 6000 Ada", gigabytesPerSecond: 960 },
    { name: "H200", gigabytesPerSecond: 4800 },
    { name: "H100 PCIe", gigabytesPerSecond: 2039 },
    { name: "H100", gigabytesPerSecond: 3350 },
    { name: "A100", gigabytesPerSecond: 1555 },
    { name: "L40S", gigabytesPerSecond: 864 },
    { name: "L4", gigabytesPerSecond: 300 },
    { name: "Tesla T4", gigabytesPerSecond: 320 },
    { name: "RX 9070", gigabytesPerSecond: 640 },
    { name: "RX 7900 XTX", gigabytesPerSecond: 960 },
    { name: "RX 7900 XT", gigabytesPerSecond: 800 },
    { name: "RX 7800 XT", gigabytesPerSecond: 624 },
    { name: "RX 7600", gigabytesPerSecond: 288 },
    { name: "Arc B580", gigabytesPerSecond: 456 },
    { name: "Arc A770", gigabytesPerSecond: 560 },
    { name: "M4 Max", gigabytesPerSecond: 546 },
    { name: "M4 Pro", gigabytesPerSecond: 273 },
    { name: "M4", gigabytesPerSecond: 120 },
    { name: "M3 Ultra", gigabytesPerSecond: 819 },
    { name: "M3 Max", gigabytesPerSecond: 400 },
    { name: "M3 Pro", gigabytesPerSecond: 150 },
    { name: "M3", gigabytesPerSecond: 100 },
    { name: "M2 Ultra", gigabytesPerSecond: 800 },
    { name: "M2 Max", gigabytesPerSecond: 400 },
    { name: "M2 Pro", gigabytesPerSecond: 200 },
    { name: "M2", gigabytesPerSecond: 100 },
    { name: "M1 Ultra", gigabytesPerSecond: 800 },
    { name: "M1 Max", gigabytesPerSecond: 400 },
    { name: "M1 Pro", gigabytesPerSecond: 200 },
    { name: "M1", gigabytesPerSecond: 68 }
];

/** The card that a device's description names; undefined for others. */
export function cardOf(description: string): Card | undefined {
    const text = description.toLowerCase().replace(/\((?:r|tm)\)/g, "");
    return cards.find(({ name }) => new RegExp(`(?:^|[^a-z0-9])${name.toLowerCase()}(?:[^a-z0-9]|$)`).test(text));
}

/** Main memory of two channels of DDR4-3200 or one and a half of DDR5: what nothing else is known of. */
export const usualHostGigabytesPerSecond = 50;
