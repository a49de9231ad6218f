/**
 * The folder that Python finds LIEF in, which is fetched once.
 * @param mayInstall whether Debian's Python is installed where there is none. @default true
 */
export function liefFolder(mayInstall?: boolean): string;
