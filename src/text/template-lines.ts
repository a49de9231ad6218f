// Where in a template something went wrong: a text that runs in the thread of templates. The parser keeps no places, so the
// tags of the source are counted, and the nodes of the tree that tags become: the one in the order of the other. Where the
// counts differ nothing is said.
export const templateLines = String.raw`
const lexing = { lstrip_blocks: true, trim_blocks: true };
// Every tag but comments, in order: where it begins and ends.
function tagsOf(source) {
    const tags = [];
    for (let at = 0; (at = source.indexOf("{", at)) >= 0; ) {
        const kind = source[at + 1];
        if (kind === "#") {
            const end = source.indexOf("#}", at + 2);
            at = end < 0 ? source.length : end + 2;
            continue;
        }
        if (kind !== "{" && kind !== "%") {
            ++at;
            continue;
        }
        const from = at;
        let depth = 0;
        for (at += 2; at < source.length; ++at) {
            const letter = source[at];
            if (letter === "'" || letter === '"') {
                for (++at; at < source.length && source[at] !== letter; ++at) if (source[at] === "\\") ++at;
            } else if (depth === 0 && source[at + 1] === "}" && letter === (kind === "{" ? "}" : "%")) break;
            else if (letter === "{") ++depth;
            else if (letter === "}") --depth;
        }
        at = Math.min(source.length, at + 2);
        if (!/^\{%-?\s*(end)?generation\s*-?%\}$/.test(source.slice(from, at))) tags.push({ from, to: at });
    }
    return tags;
}
const lineAt = (source, at) => source.slice(0, at).split("\n").length;
const opens = (token) => token.type === "OpenStatement" || token.type === "OpenExpression";
// Nodes that tags become, in the order of the source.
function nodesOf(block, nodes = []) {
    for (const node of block) {
        if (node.type === "StringLiteral" || node.type === "Comment") continue;
        nodes.push(node);
        if (!statements.has(node.type)) continue;
        for (const part of ["body", "alternate", "defaultBlock"]) if (Array.isArray(node[part])) nodesOf(node[part], nodes);
    }
    return nodes;
}
// Whether a tag becomes a node: else and end do not, and a text alone is as the text around it.
function becomesNode(tokens, open) {
    if (tokens[open].type === "OpenStatement") return !/^(else|end\w+)$/.test(tokens[open + 1]?.value);
    for (let at = open + 1; tokens[at] !== undefined && tokens[at].type !== "CloseExpression"; ++at)
        if (!["StringLiteral", "OpenParen", "CloseParen"].includes(tokens[at].type)) return true;
    return false;
}
/** Lines of a tree's nodes, as far as they are known. */
function linesOf(source, program) {
    const lines = new Map();
    const tags = tagsOf(source);
    const tokens = tokenize(source, lexing);
    const opened = tokens.flatMap((token, at) => (opens(token) ? [at] : []));
    if (opened.length !== tags.length) return lines;
    const places = tags.filter((_, i) => becomesNode(tokens, opened[i]));
    const nodes = nodesOf(program.body);
    if (nodes.length !== places.length) return lines;
    nodes.forEach((node, i) => lines.set(node, lineAt(source, places[i].from)));
    return lines;
}
/** The line of a template that does not parse. */
function lineOfSyntax(source) {
    const tags = tagsOf(source);
    const fails = (text) => {
        try {
            tokenize(text, lexing);
            return false;
        } catch {
            return true;
        }
    };
    if (fails(source)) {
        let [low, high] = [0, tags.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            if (fails(source.slice(0, tags[middle].to))) high = middle;
            else low = middle + 1;
        }
        return low < tags.length ? lineAt(source, tags[low].from) : undefined;
    }
    const tokens = tokenize(source, lexing);
    let furthest = 0;
    const watched = new Proxy(tokens, {
        get(target, key) {
            if (typeof key === "string" && /^\d+$/.test(key)) furthest = Math.max(furthest, Number(key));
            return target[key];
        }
    });
    try {
        parse(watched);
    } catch {
        const tag = tags[tokens.slice(0, furthest + 1).filter(opens).length - 1];
        return tag === undefined ? undefined : lineAt(source, tag.from);
    }
    return undefined;
}
`;
