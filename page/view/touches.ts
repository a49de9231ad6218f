/** Whether fingers alone point, and so a screen's keyboard types: the style sheet asks the same. */
export const touches = matchMedia("(hover: none) and (pointer: coarse)");
