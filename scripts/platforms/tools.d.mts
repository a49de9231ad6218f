/** The folder that Python finds LIEF in, which is fetched once. */
export function liefFolder(): string;
