// How strongly a token is shaded: by how far the delta moved the distribution that it was drawn from.

/** KL divergences in nats from which on a shade is used; below the first there is none. */
export const shadeFrom: readonly number[] = [0.02, 0.1, 0.3, 0.8, 2];

/** Backgrounds of the shades, lightest first. A unit test holds their contrast with text. */
export const shades = {
    light: ["#fff4d9", "#ffe4a8", "#ffcb66", "#ffa94d", "#f5863f"],
    dark: ["#2d2a1f", "#453a1c", "#614614", "#7d4e0e", "#944708"]
} as const;

/** From 0, for none, to 5. */
export function shadeOf(divergence: number): number {
    return shadeFrom.filter((from) => divergence >= from).length;
}
