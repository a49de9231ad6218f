// The note of a context that models do not hold in the size that was wanted.
const beginning = "The context was cut from ";

export function contextNote(wanted: number, contextSize: number, model: string): string {
    return `${beginning}${wanted} to ${contextSize} tokens: ${model} holds no more.`;
}

/** Whether a note of a load is that of the context. */
export function isContextNote(note: string): boolean {
    return note.startsWith(beginning);
}
