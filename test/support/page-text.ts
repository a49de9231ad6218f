// What pages of figures say, without their looks.

/** Headings of parts. */
export const titles = (page: string): string[] => [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => match[1]!);

/** Of plots. */
export const captions = (page: string): string[] =>
    [...page.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map((match) => match[1]!);
