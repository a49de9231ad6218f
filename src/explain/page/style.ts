// What a page of an explanation adds to the style sheet of all pages.
import { shades } from "./shades.js";

const variables = (scheme: keyof typeof shades): string =>
    shades[scheme].map((colour, index) => `--shade${index + 1}:${colour}`).join(";");

/** Rules for shaded texts, figures of tokens and the slider. */
export const explanationStyle = `
:root{${variables("light")};--moved:#b3261e}
@media screen and (prefers-color-scheme:dark){:root{${variables("dark")};--moved:#ff8a80}}
h3{font-size:1rem;margin:1.25rem 0 0}
h3 .count{font-weight:400;color:var(--soft)}
.said{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;max-width:60rem;line-height:1.9;font-size:1.05rem}
.said.prompt{line-height:1.5;font-size:.95rem;background:var(--panel);padding:.5em .75em;border-radius:4px}
.t{border-radius:2px;padding:.1em 0;-webkit-box-decoration-break:clone;box-decoration-break:clone}
${shades.light.map((_, index) => `.s${index + 1}{background:var(--shade${index + 1})}`).join("\n")}
.changed{text-decoration:underline solid var(--moved) 2px;text-underline-offset:.2em;text-decoration-skip-ink:none}
.otherwise{box-shadow:0 0 0 1.5px var(--link)}
.unseen{color:var(--soft)}
[data-tokens] .t[role=option]{cursor:pointer}
.t.chosen{outline:2px solid var(--link);outline-offset:1px}
.t:focus-visible{outline:3px solid var(--link);outline-offset:1px}
.t:target{outline:2px solid var(--link)}
.shades .t{padding:0 .3em}
.reading{max-width:60rem}
@media (min-width:64rem){.reading:has(#figures:not([hidden])){display:grid;grid-template-columns:minmax(0,1fr) 26rem;gap:0 2rem;max-width:none}.reading #figures{position:sticky;top:1rem;align-self:start}}
#figures{border:1px solid var(--rule);border-radius:6px;padding:.6rem .8rem;background:var(--panel);font-size:.9rem;max-height:80vh;overflow:auto}
#figures p{margin:.25rem 0 .5rem}
#figures table{width:100%;margin-bottom:.6rem}
#figures th,#figures td{padding:.15rem .35rem;text-align:right;white-space:normal}
#figures th:first-child{text-align:left;overflow-wrap:anywhere}
#figures-body>table th:first-child{white-space:nowrap}
#figures .lists{display:grid;grid-template-columns:1fr 1fr;gap:0 .8rem}
@media (max-width:40rem){#figures .lists{grid-template-columns:1fr}}
@media (max-width:63.99rem){#figures{position:sticky;bottom:0;max-height:45vh}}
[hidden]{display:none!important}
.aligned{border-collapse:separate;border-spacing:0;table-layout:fixed;width:100%;font-size:1rem}
.aligned td,.aligned th{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;vertical-align:top;width:50%;line-height:1.7}
.aligned .same td{color:var(--soft)}
.aligned td:empty::after{content:"\\2014";color:var(--soft)}
a{color:var(--link)}
.tokens td{unicode-bidi:plaintext}
.tokens td.left{white-space:pre}
svg .moved{fill:var(--moved)}
.slider{margin:.75rem 0}
.slider input{vertical-align:middle;width:min(24rem,60vw);accent-color:var(--link)}
.slider output{font-variant-numeric:tabular-nums;font-weight:600}
.facts{grid-template-columns:max-content 1fr}
@media print{.with-script,#figures,.slider{display:none!important}.tokens td.left{white-space:normal}.said{font-size:11pt;line-height:1.7}}
`;
