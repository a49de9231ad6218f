// Whether two answers say the same. What stands in an order is compared in it, what does not is not.
import { Fraction } from "fraction.js";
import { constantRatio, sameValue } from "./identity.js";
import { realSetOf, sameRealSet } from "./real-sets.js";
import { contains, freeNames, keyOf, partsOf, withParts, type Node, type Relation } from "./syntax.js";
import { isDegree, isPercent, unitRatio } from "./units.js";

type RelationNode = Extract<Node, { kind: "relation" }>;
type Quantity = Extract<Node, { kind: "quantity" }>;

const mostSigns = 4;

/** Whether an answer says what the gold says. */
export function sameAnswer(gold: Node, answer: Node): boolean {
    const [g, a] = [settled(gold), settled(answer)];
    return sameSettled(g, a);
}

// What follows from what, conditions on letters and double signs are settled once, from outside.
function settled(node: Node): Node {
    let whole = node;
    if (whole.kind === "relation") whole = lastOf(whole);
    if (whole.kind === "list") {
        const items = whole.items.map((item) => (item.kind === "relation" ? lastOf(item) : item));
        const said = items.filter((item) => !isCondition(item));
        whole = said.length === 1 ? said[0]! : { kind: "list", items: said.length === 0 ? items : said };
    }
    const items = whole.kind === "list" || whole.kind === "set" ? whole.items : [whole];
    const spread = items.flatMap(bothSigns);
    if (whole.kind === "list" || whole.kind === "set") return { kind: whole.kind, items: spread };
    return spread.length === 1 ? spread[0]! : { kind: "list", items: spread };
}

// "x^2 = 4 \implies x = 2": the last of them.
function lastOf(node: RelationNode): Node {
    const at = node.signs.lastIndexOf("implies");
    if (at < 0) return node;
    const sides = node.sides.slice(at + 1);
    return sides.length === 1 ? sides[0]! : { kind: "relation", sides, signs: node.signs.slice(at + 1) };
}

// "k \in \mathbb{Z}" beside an answer says what k is.
function isCondition(node: Node): boolean {
    return node.kind === "relation" && node.signs[0] === "in" && node.sides[1]!.kind === "named";
}

/** An expression with double signs as all that it stands for; a set and a relation keep what is theirs. */
function bothSigns(node: Node): Node[] {
    const signs: string[] = [];
    const count = (part: Node): void => {
        if (part.kind === "plusminus") signs.push(part.both);
        partsOf(part).forEach(count);
    };
    count(node);
    if (signs.length === 0) return [node];
    if (signs.length > mostSigns) return [node];
    // Where a sign is turned, all go together.
    const together = signs.includes("-+");
    const ways = together ? [0, 2 ** signs.length - 1] : Array.from({ length: 2 ** signs.length }, (_, way) => way);
    return ways.map((way) => {
        let at = 0;
        const chosen = (part: Node): Node => {
            if (part.kind === "plusminus") {
                const minus = ((way >> at++) & 1) === 1;
                const of = chosen(part.of);
                return minus === (part.both === "+-") ? { kind: "negative", of } : of;
            }
            return withParts(part, partsOf(part).map(chosen));
        };
        return chosen(node);
    });
}

function sameSettled(g: Node, a: Node): boolean {
    if (keyOf(g) === keyOf(a)) return true;
    if (isSetLike(g) || isSetLike(a)) {
        const [setG, setA] = [realSetOf(g), realSetOf(a)];
        if (setG !== undefined && setA !== undefined) return sameRealSet(setG, setA);
    }
    if (isSeveral(g) || isSeveral(a)) return sameItems(g, a);
    return sameItem(g, a);
}

// Kinds that say a set of numbers, and no list of them.
function isSetLike(node: Node): boolean {
    if (node.kind === "combined" || node.kind === "named") return true;
    if (node.kind === "list") return node.items.every((item) => item.kind === "relation" && item.signs[0] !== "=");
    if (node.kind === "tuple") return node.items.length === 2;
    return node.kind === "relation" && node.signs.some((sign) => sign !== "=" && sign !== "~");
}

function isSeveral(node: Node): node is Extract<Node, { kind: "list" | "set" }> {
    return node.kind === "list" || node.kind === "set";
}

function sameItems(g: Node, a: Node): boolean {
    const [inG, inA] = [withoutMembership(g), withoutMembership(a)];
    // A tuple without its brackets.
    if (inG.kind === "tuple" && inA.kind === "list") return inOrder(inG.items, inA.items);
    if (inA.kind === "tuple" && inG.kind === "list" && !inG.items.some((item) => item.kind === "tuple")) {
        return inOrder(inG.items, inA.items);
    }
    const itemsG = isSeveral(inG) ? inG.items : [inG];
    const itemsA = isSeveral(inA) ? inA.items : [inA];
    if (itemsG.length === itemsA.length && paired(itemsG, itemsA)) return true;
    const differing = distinct(itemsG);
    // Of a list that has nothing twice an answer may say something twice.
    if (inG.kind !== "set" && inA.kind !== "set" && differing.length !== itemsG.length) return false;
    return paired(differing, distinct(itemsA));
}

// x \in \{1, 2\}: the set.
function withoutMembership(node: Node): Node {
    if (node.kind !== "relation" || node.signs.length !== 1 || node.signs[0] !== "in") return node;
    return node.sides[1]!;
}

function distinct(items: readonly Node[]): Node[] {
    const kept: Node[] = [];
    for (const item of items) if (!kept.some((other) => sameItem(other, item))) kept.push(item);
    return kept;
}

function inOrder(g: readonly Node[], a: readonly Node[]): boolean {
    return g.length === a.length && g.every((one, at) => sameItem(one, a[at]!));
}

// In any order. Being the same is, but for rounding, an equivalence: the first that fits is as good as another.
function paired(g: readonly Node[], a: readonly Node[]): boolean {
    if (g.length !== a.length) return false;
    // Those that are written alike need no second look.
    const alike = new Map<string, number>();
    for (const one of a) alike.set(keyOf(one), (alike.get(keyOf(one)) ?? 0) + 1);
    const others = g.filter((one) => !taken(alike, keyOf(one)));
    const left: Node[] = [];
    for (const one of a) if (taken(alike, keyOf(one))) left.push(one);
    return others.every((one) => {
        const at = left.findIndex((other) => sameItem(one, other));
        if (at >= 0) left.splice(at, 1);
        return at >= 0;
    });
}

function taken(counts: Map<string, number>, key: string): boolean {
    const count = counts.get(key) ?? 0;
    if (count > 0) counts.set(key, count - 1);
    return count > 0;
}

function sameItem(g: Node, a: Node): boolean {
    if (keyOf(g) === keyOf(a)) return true;
    const [quantityG, quantityA] = [quantityOf(g), quantityOf(a)];
    if (quantityG !== undefined || quantityA !== undefined) return sameQuantity(g, quantityG, a, quantityA);
    if (g.kind === "relation" || a.kind === "relation") return sameRelated(g, a);
    if (isSeveral(g) || isSeveral(a)) return isSeveral(g) && isSeveral(a) && sameItems(g, a);
    if (g.kind === "matrix" || a.kind === "matrix") return sameMatrix(g, a);
    if (g.kind === "tuple" || a.kind === "tuple") {
        if (g.kind !== "tuple" || a.kind !== "tuple") return false;
        const interval = g.items.length === 2;
        if (interval && (g.open !== a.open || g.close !== a.close)) return false;
        return inOrder(g.items, a.items);
    }
    if (g.kind === "combined" || a.kind === "combined") return sameCombined(g, a);
    if (g.kind === "named" || a.kind === "named") return false;
    if (g.kind === "words" || a.kind === "words") return false;
    // The base of digits may go without saying.
    if (g.kind === "based" && a.kind === "number") return g.digits === a.value.toFraction();
    if (a.kind === "based" && g.kind === "number") return a.digits === g.value.toFraction();
    return sameValue(g, a) ?? false;
}

function sameMatrix(g: Node, a: Node): boolean {
    if (g.kind === "matrix" && a.kind === "matrix") {
        return g.rows.length === a.rows.length && g.rows.every((row, at) => inOrder(row, a.rows[at]!));
    }
    const [matrix, other] = g.kind === "matrix" ? [g, a] : [a as Extract<Node, { kind: "matrix" }>, g];
    // Rows as lists in a list.
    if (other.kind === "tuple" && other.items.every((row) => row.kind === "tuple")) {
        const rows = other.items.map((row) => partsOf(row));
        return rows.length === matrix.rows.length && matrix.rows.every((row, at) => inOrder(row, rows[at]!));
    }
    const vector = matrix.rows.length === 1 || matrix.rows[0]!.length === 1;
    return vector && other.kind === "tuple" && inOrder(matrix.rows.flat(), other.items);
}

function sameCombined(g: Node, a: Node): boolean {
    if (g.kind !== "combined" || a.kind !== "combined" || g.by !== a.by) return false;
    return g.by === "without" ? inOrder(g.parts, a.parts) : paired(g.parts, a.parts);
}

// A sign in front of a quantity is one of its number.
function quantityOf(node: Node): Quantity | undefined {
    if (node.kind === "quantity") return node;
    if (node.kind !== "negative" || node.of.kind !== "quantity") return undefined;
    return { kind: "quantity", of: { kind: "negative", of: node.of.of }, unit: node.of.unit };
}

function sameQuantity(g: Node, quantityG: Quantity | undefined, a: Node, quantityA: Quantity | undefined): boolean {
    const [ofG, ofA] = [quantityG?.of ?? g, quantityA?.of ?? a];
    const [unitG, unitA] = [quantityG?.unit, quantityA?.unit];
    // A name may stand in front: x = 5 cm.
    if (ofG.kind === "relation" || ofA.kind === "relation") return sameRelated(g, a);
    if (unitG !== undefined && unitA !== undefined && unitG !== unitA) {
        const ratio = unitRatio(unitA, unitG);
        if (ratio === undefined || ratio === 1) return sameItem(ofG, ofA);
        if (ratio === 0) return false;
        return sameItem(ofG, times(ratio, ofA));
    }
    if (sameItem(ofG, ofA)) return true;
    if (unitG !== undefined && unitA !== undefined) return false;
    const unit = unitG ?? unitA ?? "";
    const scaled = (node: Node): Node =>
        isPercent(unit) ? times(0.01, node) : isDegree(unit) ? { kind: "quantity", of: node, unit: "°" } : node;
    if (!isPercent(unit) && !isDegree(unit)) return false;
    return unitG === undefined ? (sameValue(ofG, scaled(ofA)) ?? false) : (sameValue(scaled(ofG), ofA) ?? false);
}

function times(factor: number, node: Node): Node {
    const value = new Fraction(factor);
    return { kind: "product", factors: [{ kind: "number", value, rounded: value.d !== 1n && value.n !== 1n }, node] };
}

function sameRelated(g: Node, a: Node): boolean {
    if (g.kind === "relation" && a.kind === "relation") return sameRelation(g, a);
    if (g.kind === "relation") {
        const inner = withoutMembership(g);
        if (inner !== g) return sameSettled(inner, a);
        const value = valueOf(g);
        return value !== undefined && sameSettled(value, a);
    }
    const relation = a as RelationNode;
    const inner = withoutMembership(relation);
    return inner === relation ? isOneOf(g, relation) : sameSettled(g, inner);
}

const names = new Set<Node["kind"]>(["symbol", "application", "words", "constant"]);

/** Whether a side of an equation is but the name of what the other side is. */
function isName(node: Node): boolean {
    if (names.has(node.kind)) return node.kind !== "constant" || node.name === "e" || node.name === "i";
    if (node.kind === "product" || node.kind === "sum" || node.kind === "tuple" || node.kind === "quotient") {
        return partsOf(node).every(isName);
    }
    return node.kind === "call" && node.args.every(isName);
}

// The value that an equation gives its name.
function valueOf({ sides, signs }: RelationNode): Node | undefined {
    if (!signs.every((sign) => sign === "=" || sign === "~")) return undefined;
    const [first, last] = [sides[0]!, sides.at(-1)!];
    const nothing = last.kind === "number" && last.value.n === 0n;
    if (isName(first) && !(nothing && first.kind === "sum")) {
        return sides.length === 2 ? last : { kind: "relation", sides: sides.slice(1), signs: signs.slice(1) };
    }
    return sides.length === 2 && isName(last) && !isName(first) ? first : undefined;
}

// An answer with "=" says the same thing several times.
function isOneOf(g: Node, { sides, signs }: RelationNode): boolean {
    if (!signs.every((sign) => sign === "=" || sign === "~")) return false;
    const first = sides.findIndex((side) => !isName(side));
    // "5 = x"
    const last = isName(sides.at(-1)!) && first >= 0 && sides.length === 2 ? sides.length - 1 : sides.length;
    const kept = first < 0 ? [sides.at(-1)!] : sides.slice(first, last);
    const about = signs.slice(Math.max(first, 0)).indexOf("~");
    const exact = about < 0 || first < 0 ? kept : kept.slice(0, about + 1);
    if (exact.every((side) => sameSettled(g, side))) return true;
    return about >= 0 && kept.slice(about + 1).some((side) => sameSettled(g, side));
}

function sameRelation(g: RelationNode, a: RelationNode): boolean {
    if (g.signs.length > 1 || a.signs.length > 1) return sameChain(g, a);
    const [signG, signA] = [g.signs[0]!, a.signs[0]!];
    if (signG === "in" && signA === "in") return inOrder(g.sides, a.sides);
    if (signG === "=" || signG === "~") return (signA === "=" || signA === "~") && sameEquation(g, a);
    if (signG === "!=") return signA === "!=" && ratioOf(g, a) !== undefined;
    // All on one side, so that it is above zero.
    const [over, under] = [upward(g), upward(a)];
    if (over === undefined || under === undefined || over.signs[0] !== under.signs[0]) return false;
    const ratio = ratioOf(over, under);
    return ratio !== undefined && ratio > 0;
}

function sameEquation(g: RelationNode, a: RelationNode): boolean {
    const [nameG, valueG] = [g.sides[0]!, g.sides[1]!];
    const [nameA, valueA] = [a.sides[0]!, a.sides[1]!];
    if (isName(nameG) && isName(nameA)) {
        if (bareName(nameG) === bareName(nameA) && sameSettled(valueG, valueA)) return true;
        // Two names for one function: f(x) = 2x, y = 2x.
        const of = freeNames(valueG);
        const about =
            of.size > 0 &&
            !of.has(keyOf(nameG)) &&
            !of.has(keyOf(nameA)) &&
            !contains(valueG, (part) => part.kind === "relation");
        if (about && nameG.kind !== "product" && nameA.kind !== "product" && sameItem(valueG, valueA)) return true;
    }
    return ratioOf(g, a) !== undefined;
}

// x_1 and x_2 are two values of x.
function bareName(node: Node): string {
    return node.kind === "symbol" ? node.name.replace(/_\d$/, "") : keyOf(node);
}

function ratioOf(g: RelationNode, a: RelationNode): number | undefined {
    const differenceOf = ({ sides }: RelationNode): Node => ({
        kind: "sum",
        terms: [withoutUnits(sides[0]!), { kind: "negative", of: withoutUnits(sides[1]!) }]
    });
    return constantRatio(differenceOf(g), differenceOf(a));
}

function withoutUnits(node: Node): Node {
    return node.kind === "quantity" ? node.of : node;
}

const turned: Readonly<Record<Relation, Relation>> = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "=": "=",
    "!=": "!=",
    "~": "~",
    in: "in",
    implies: "implies"
};

function reversed({ sides, signs }: RelationNode): RelationNode {
    return { kind: "relation", sides: [...sides].reverse(), signs: [...signs].reverse().map((sign) => turned[sign]) };
}

function upward(relation: RelationNode): RelationNode | undefined {
    const sign = relation.signs[0]!;
    if (sign === ">" || sign === ">=") return relation;
    return sign === "<" || sign === "<=" ? reversed(relation) : undefined;
}

function sameChain(g: RelationNode, a: RelationNode): boolean {
    const fits = (other: RelationNode): boolean =>
        g.signs.length === other.signs.length &&
        g.signs.every((sign, at) => sign === other.signs[at]) &&
        inOrder(g.sides, other.sides);
    if (fits(a) || fits(reversed(a))) return true;
    if (!g.signs.every((sign) => sign === "=" || sign === "~")) return false;
    // "x = 1/2 = 0.5" and "x = 1/2"
    const [valueG, valueA] = [valueOf(g), valueOf(a)];
    return (
        valueG !== undefined &&
        valueA !== undefined &&
        bareName(g.sides[0]!) === bareName(a.sides[0]!) &&
        (valueG.kind === "relation" ? isOneOf(valueA, valueG) : sameSettled(valueG, valueA))
    );
}
