// `await using` needs the symbol; early versions of Node 20 lack it. Import this before a class uses it as a name.
const symbols = Symbol as { asyncDispose?: symbol };
if (symbols.asyncDispose === undefined) {
    Object.defineProperty(Symbol, "asyncDispose", { value: Symbol.for("Symbol.asyncDispose") });
}

export {};
