// The style sheet of a page with charts.
import { dark, inkOn, light, type Scheme } from "./palette.js";
import type { Series } from "./series.js";

function variables(scheme: Scheme, colours: readonly string[]): string {
    const { paper, panel, ink, soft, rule, link, parts } = scheme;
    return [
        `--paper:${paper};--panel:${panel};--ink:${ink};--soft:${soft};--rule:${rule};--link:${link}`,
        ...colours,
        ...parts.map((colour, index) => `--part${index}:${colour};--on${index}:${inkOn(colour)}`)
    ].join(";");
}

const partRules = light.parts.map(
    (_, index) => `.part-${index}{--mark:var(--part${index});--on-mark:var(--on${index})}`
);

function rulesOf(all: readonly Series[]): string {
    const dashed = all.filter(({ dashes }) => dashes !== null);
    return [
        ...dashed.map(({ style, dashes }) => `.${style} .line{stroke-dasharray:${dashes}}`),
        ...all.map(({ style }) => `.${style}{--mark:var(--${style})}`),
        ...partRules
    ].join("\n");
}

/**
 * The style sheet of a page. Charts are as wide as their column and text in them keeps its size: positions are in percent.
 * @param all what the page compares
 */
export function styleSheet(all: readonly Series[]): string {
    const colours = (scheme: "light" | "dark"): string[] => all.map((one) => `--${one.style}:${one[scheme]}`);
    return `
:root{color-scheme:light dark;${variables(light, colours("light"))}}
@media screen and (prefers-color-scheme:dark){:root{${variables(dark, colours("dark"))}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
 font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:82rem;margin:0 auto;padding:2rem 1rem 4rem}
h1,h2,p,li,dt,dd,figcaption,code{overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem;text-wrap:balance}
h1 small{display:block;font-size:.9rem;font-weight:600;color:var(--soft);letter-spacing:.02em}
h2{font-size:1.2rem;line-height:1.3;margin:2.5rem 0 .25rem;padding-top:.75rem;border-top:1px solid var(--rule)}
p{max-width:46rem;margin:.25rem 0 .75rem}
.note{color:var(--soft);font-size:.9rem}
code{font:.9em/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--panel);
 padding:.1em .3em;border-radius:3px;-webkit-box-decoration-break:clone;box-decoration-break:clone}
.command code{display:block;padding:.4em .6em;}
.command span{display:inline-block;max-width:100%}
.legend{list-style:none;margin:.5rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.15rem 1.25rem;font-size:.9rem}
.legend li{display:flex;align-items:baseline;gap:.45rem;min-width:0}
.legend svg,.swatch{flex:none}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;background:var(--mark);vertical-align:-.06em}
.tick{background:var(--ink);width:2px;height:1.1em;border-radius:0;margin:0 .3em;vertical-align:-.2em}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1.5rem 3rem;margin-top:1rem}
.plots.lines{grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),44rem))}
figure{margin:0;min-width:0;break-inside:avoid}
figcaption{font-weight:600;margin-bottom:.35rem}
svg{display:block;overflow:visible}
svg text{font:12.5px/1 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--ink);
 font-variant-numeric:tabular-nums}
svg .name{font-weight:600}
svg .soft{fill:var(--soft)}
svg .track{fill:var(--panel)}
svg .fill{fill:var(--mark)}
svg .within{fill:var(--on-mark);font-size:12px}
svg .gap{stroke:var(--paper);stroke-width:1.5}
svg .halo{stroke:var(--paper);stroke-width:4.5;stroke-linecap:round}
svg .ink{stroke:var(--ink);stroke-width:1.5;fill:none}
svg .mark{stroke:var(--ink);stroke-width:2.5}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1}
svg .line{stroke:var(--mark);stroke-width:2.25;fill:none}
svg .error{stroke:var(--mark);stroke-width:1.25;fill:none}
${rulesOf(all)}
.scroll{overflow-x:auto;margin:.75rem 0;max-width:100%}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;font-size:.8125rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .55rem;text-align:left;white-space:nowrap;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{padding-left:0}
thead th{color:var(--soft);font-weight:600;border-bottom:1px solid var(--soft)}
tbody th{font-weight:400}
.right{text-align:right}
.total td,.total th{font-weight:600}
.values th,.values td{padding:.2rem .6rem .2rem 0}
.values td{text-align:right;padding-right:0;padding-left:.6rem}
.values thead th+th{text-align:right;padding:.2rem 0 .2rem .6rem}
.values thead th{white-space:normal;max-width:9rem;vertical-align:bottom}
.samples td{white-space:normal;min-width:11rem;vertical-align:top}
details{margin-top:2.5rem;padding-top:.75rem;border-top:1px solid var(--rule)}
summary{cursor:pointer;font-size:1.2rem;font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0;font-size:.9rem;max-width:46rem}
dt{font-weight:600}
dd{margin:0;color:var(--soft)}
@media (max-width:30rem){main{padding-top:1.25rem}h1{font-size:1.3rem}dl{grid-template-columns:1fr}dd{margin-bottom:.35rem}}
@media print{
 @page{margin:14mm}
 :root{color-scheme:light}
 body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
 main{max-width:none;padding:0}
 h2{break-after:avoid;margin-top:1.25rem}
 .note{break-before:avoid;break-inside:avoid;break-after:avoid}
 tr{break-inside:avoid}
 .plots{grid-template-columns:1fr 1fr;gap:1rem 2rem}
 .scroll{overflow:visible}
 table{font-size:7pt}
 th,td{padding:.2rem .25rem}
 .left{white-space:normal}
 details::details-content{content-visibility:visible;display:block;height:auto}
 summary{list-style:none}
}`;
}
