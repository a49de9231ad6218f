// What scores are made of.
export { accuracyOf, type Accuracy } from "../accuracy.js";
