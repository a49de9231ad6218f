/** `npm run test:heavy`: every test, those on slow devices at greater length. */
export const heavy = process.env["RAST_HEAVY"] === "1";

/** The first number in everyday runs, the second in heavy ones. */
export const size = <T extends number | string>(everyday: T, whenHeavy: T): T => (heavy ? whenHeavy : everyday);
