// Names that are read as one, not letter by letter.

/** Functions, by the names that people and programs write. */
export const functionNames: Readonly<Record<string, string>> = {
    sin: "sin",
    cos: "cos",
    tan: "tan",
    cot: "cot",
    sec: "sec",
    csc: "csc",
    cosec: "csc",
    sinh: "sinh",
    cosh: "cosh",
    tanh: "tanh",
    coth: "coth",
    arcsin: "asin",
    asin: "asin",
    arccos: "acos",
    acos: "acos",
    arctan: "atan",
    atan: "atan",
    arccot: "acot",
    arcsinh: "asinh",
    arccosh: "acosh",
    arctanh: "atanh",
    ln: "log",
    log: "log",
    lg: "lg",
    exp: "exp",
    sqrt: "sqrt",
    cbrt: "cbrt",
    abs: "abs",
    floor: "floor",
    ceil: "ceil",
    max: "max",
    min: "min",
    gcd: "gcd",
    lcm: "lcm",
    binom: "binomial",
    binomial: "binomial",
    factorial: "factorial",
    sgn: "sgn",
    Re: "re",
    Im: "im"
};

/** Functions whose power is a power of the value, and whose power -1 is the inverse. */
export const inverses: Readonly<Record<string, string>> = {
    sin: "asin",
    cos: "acos",
    tan: "atan",
    cot: "acot",
    sinh: "asinh",
    cosh: "acosh",
    tanh: "atanh"
};

/** Letters by their names. */
export const greekNames = new Set(
    (
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho varrho sigma tau " +
        "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega hbar ell partial nabla " +
        "odot angle triangle mho aleph imath jmath"
    ).split(" ")
);

/** Short words of English: longer ones are told by their length. */
export const shortWords = new Set(
    "yes no odd not any all few the an of is are to has its red tie win none one two six ten pm am dne cat dog mon tue wed thu fri sat sun".split(
        " "
    )
);

const numberWords =
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(
        " "
    );

/** The number that a word is. */
export function numberOfWord(word: string): number | undefined {
    const at = numberWords.indexOf(word.trim().toLowerCase());
    return at < 0 ? undefined : at;
}

/** What words say of a set of numbers. */
export function setOfWords(text: string): "R" | "empty" | undefined {
    const words = text.toLowerCase().trim();
    if (/^(?:the set of )?(?:all )?reals?(?: numbers?)?$/.test(words)) return "R";
    if (
        /^(?:there (?:is|are) )?(?:no (?:real )?(?:solutions?|roots?|answers?)|the empty set|empty set|no such .{1,40})(?: exists?)?$/.test(
            words
        )
    ) {
        return "empty";
    }
    return undefined;
}
