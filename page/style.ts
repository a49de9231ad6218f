// The style sheet, evaluated when the page is built. Colours and shades are those of the other pages.
import { shades } from "../src/explain/page/shades.js";
import { dark, light, type Scheme } from "../src/report/palette.js";

function variables(scheme: Scheme, of: keyof typeof shades, moved: string): string {
    const { paper, panel, ink, soft, rule, link } = scheme;
    const shaded = shades[of].map((colour, index) => `--shade${index + 1}:${colour}`).join(";");
    const onLink = of === "light" ? "#ffffff" : "#0a0b0d";
    return (
        `color-scheme:${of};--paper:${paper};--panel:${panel};--ink:${ink};--soft:${soft};--rule:${rule};` +
        `--link:${link};--on-link:${onLink};--moved:${moved};${shaded}`
    );
}

const lightVariables = variables(light, "light", "#b3261e");
const darkVariables = variables(dark, "dark", "#ff8a80");
const sans = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif';
const mono = 'ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace';

export const pageStyle = `
:root{${lightVariables}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${darkVariables}}}
:root[data-theme=dark]{${darkVariables}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;height:100%}
body{margin:0;height:100vh;height:100dvh;display:grid;grid-template:auto auto minmax(0,1fr) auto auto/minmax(0,1fr);
 background:var(--paper);color:var(--ink);font:16px/1.55 ${sans}}
[hidden]{display:none!important}
.unseen{position:absolute;width:1px;height:1px;margin:-1px;padding:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap;border:0}
.skip{position:absolute;left:.5rem;top:-4rem;background:var(--paper);color:var(--link);padding:.5rem .75rem;z-index:3;border:1px solid var(--rule);border-radius:4px}
.skip:focus{top:.5rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
a{color:var(--link)}
.note{color:var(--soft);font-size:.9rem}
button,select,input,textarea{font:inherit;color:inherit}
button,select{min-height:2.25rem}
button{background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:.3rem .75rem;cursor:pointer}
button:hover{border-color:var(--soft)}
button[aria-pressed=true]{border-color:var(--link);color:var(--link)}
button.main{background:var(--link);border-color:var(--link);color:var(--on-link);font-weight:600}
button:disabled{opacity:.6;cursor:default}
select,input:not([type=checkbox],[type=range]),textarea{background:var(--paper);border:1px solid var(--soft);border-radius:6px;padding:.35rem .6rem;max-width:100%}
textarea{resize:none;line-height:1.45}
input[type=checkbox],input[type=range],progress{accent-color:var(--link)}
[aria-invalid=true]{border-color:var(--moved)!important}

header{grid-row:1;display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1rem;padding:.5rem 1rem;border-bottom:1px solid var(--rule)}
h1{font-size:1.15rem;margin:0;letter-spacing:.02em}
.models{display:flex;align-items:center;gap:.5rem;min-width:0}
.models span{color:var(--soft);font-size:.9rem}
.models select{min-width:0;max-width:16rem}
.bar{display:flex;gap:.4rem;margin-left:auto}
#notice{grid-row:2;margin:0;padding:.5rem 1rem;background:var(--panel);border-bottom:1px solid var(--rule)}

main{grid-row:3;overflow-y:auto;overflow-x:hidden;padding:1rem;overscroll-behavior:contain}
main:focus-visible{outline-offset:-3px}
#welcome{max-width:40rem;margin:12vh auto 0;text-align:center;text-wrap:balance}
.formula{white-space:nowrap}
#turns{max-width:82rem;margin:0 auto}
.turn{margin:0 0 1.75rem}
.question{max-width:46rem;margin:0 0 .75rem}
.question .said{margin:0;padding:.55rem .85rem;background:var(--panel);border-radius:10px;white-space:pre-wrap;overflow-wrap:anywhere;width:fit-content;max-width:100%}
.question textarea{width:100%;field-sizing:content;min-height:5.5rem;max-height:50vh}
::placeholder{color:var(--soft);opacity:1}
.question .note{margin:.25rem 0}
.columns{display:grid;grid-template-columns:minmax(0,46rem);gap:1rem 2rem}
.columns.two{grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))}
.answer{min-width:0}
.answer h3{margin:0 0 .35rem;font-size:.85rem;font-weight:600;color:var(--soft);letter-spacing:.02em}
.columns.two .answer{border-top:2px solid var(--rule);padding-top:.5rem}
.columns.two .answer.rast{border-top-color:var(--link)}
.actions{display:flex;flex-wrap:wrap;gap:.35rem;margin-top:.35rem}
.actions button{font-size:.85rem;min-height:1.9rem;padding:.1rem .6rem;background:none}
.figures{margin:.4rem 0 0;font-size:.82rem;color:var(--soft);font-variant-numeric:tabular-nums}
.failure{margin:.4rem 0 0;color:var(--moved);overflow-wrap:anywhere}
.waiting:empty{display:none}
.waiting{margin:.25rem 0;color:var(--soft)}
.waiting progress{width:10rem;max-width:100%;vertical-align:middle}
.thinking{margin:0 0 .6rem;border-left:3px solid var(--rule);padding-left:.75rem}
.thinking summary{cursor:pointer;color:var(--soft);font-size:.9rem;min-height:1.6rem}
.thought{color:var(--soft);font-size:.93rem}
.answer.open .answer-text:empty::after,.answer.open .answer-text>p:last-child::after{content:"\\25AE";color:var(--soft);margin-left:.1em;animation:blink 1.1s steps(2,jump-none) infinite}
@keyframes blink{from{opacity:1}to{opacity:.15}}

.written{overflow-wrap:anywhere}
.written>:first-child{margin-top:0}
.written>:last-child{margin-bottom:0}
.written p,.written li,.written blockquote,.written h4,.written h5,.written h6,.written td,.written th{unicode-bidi:plaintext}
.written p,.written ul,.written ol,.written blockquote{margin:.6em 0}
.written p{white-space:pre-line}
.written h4,.written h5,.written h6{margin:1.1em 0 .4em;font-size:1.05rem;line-height:1.3}
.written h5,.written h6{font-size:1rem}
.written ul,.written ol{padding-left:1.6em}
.written blockquote{margin-left:0;padding-left:.9em;border-left:3px solid var(--rule);color:var(--soft)}
.written hr{overflow:visible;border:0;border-top:1px solid var(--rule);margin:1em 0}
.written code{font:.88em/1.45 ${mono};background:var(--panel);border-radius:3px;padding:.1em .3em;-webkit-box-decoration-break:clone;box-decoration-break:clone}
.written .tex{color:var(--soft);white-space:pre-wrap}
.written .tex.display{display:block;padding:.5em .7em}
.code-block{margin:.7em 0;border:1px solid var(--rule);border-radius:6px;overflow:hidden}
.code-head{display:flex;justify-content:space-between;align-items:center;gap:1rem;padding:.15rem .3rem .15rem .75rem;background:var(--panel);font-size:.82rem;color:var(--soft)}
.code-head button{font-size:.82rem;min-height:1.75rem;padding:.05rem .5rem;background:none;border-color:transparent}
.code-block pre{margin:0;padding:.6rem .75rem;overflow-x:auto;background:var(--paper);tab-size:4}
.code-block pre:focus-visible,.scroll:focus-visible,.display-math:focus-visible{outline-offset:-3px}
.code-block code{background:none;padding:0;font-size:.86rem;overflow-wrap:normal}
.scroll{overflow-x:auto;margin:.7em 0}
.written table{border-collapse:collapse;font-size:.93rem;font-variant-numeric:tabular-nums}
.written th,.written td{border:1px solid var(--rule);padding:.3rem .6rem;text-align:left;overflow-wrap:normal}
.written th{background:var(--panel)}
.written .to-center{text-align:center}
.written .to-right{text-align:right}
.display-math{overflow-x:auto;overflow-y:hidden;padding:.15rem 0;margin:.6em 0}
.display-math .katex-display{margin:.2em 0}
.written .katex{white-space:nowrap;overflow-wrap:normal}
.written p .katex{max-width:100%}

.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:0 0 .5rem;padding:0;font-size:.82rem;color:var(--soft)}
.legend .t{color:var(--ink)}
.tokens{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.85;unicode-bidi:plaintext}
.t{border-radius:2px;padding:.1em 0;cursor:pointer;-webkit-box-decoration-break:clone;box-decoration-break:clone}
.legend .t{padding:0 .3em;cursor:default}
${shades.light.map((_, index) => `.s${index + 1}{background:var(--shade${index + 1})}`).join("\n")}
.changed{text-decoration:underline solid var(--moved) 2px;text-underline-offset:.2em;text-decoration-skip-ink:none}
.t[aria-selected=true]{outline:2px solid var(--link);outline-offset:1px}
.t:focus-visible{outline:3px solid var(--link);outline-offset:1px}
.token-figures{margin:.5rem 0 0;padding:.4rem .6rem;background:var(--panel);border-radius:6px;font-size:.85rem;font-variant-numeric:tabular-nums;min-height:2.2rem;overflow-wrap:anywhere}

#to-end{grid-row:4;justify-self:center;margin:.3rem 0;font-size:.85rem}
#composer{grid-row:5;border-top:1px solid var(--rule);padding:.6rem 1rem max(.6rem,env(safe-area-inset-bottom));width:100%;max-width:84rem;margin:0 auto}
#prompt{display:block;width:100%;max-height:40vh}
.controls{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1.25rem;margin-top:.5rem}
.switch,.strength{display:flex;align-items:center;gap:.45rem;font-size:.9rem}
.strength{flex-wrap:wrap}
.strength input{width:9rem;min-width:0;height:1.75rem}
.strength output{font-variant-numeric:tabular-nums;min-width:6.5em}
.strength button{font-size:.85rem;min-height:1.9rem;padding:.1rem .6rem}
.controls .main{margin-left:auto;min-width:5.5rem}
input[type=checkbox]{width:1.15rem;height:1.15rem;margin:0}

dialog{width:min(36rem,calc(100vw - 2rem));max-height:calc(100dvh - 2rem);overflow:auto;border:1px solid var(--rule);border-radius:10px;padding:1rem 1.25rem;background:var(--paper);color:var(--ink)}
dialog::backdrop{background:rgb(0 0 0/.45)}
dialog h2{margin:0 0 .25rem;font-size:1.15rem}
dialog .note{margin:.1rem 0 .6rem}
.fields{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.6rem 1rem;align-items:baseline}
.fields input:not([type=checkbox]),.fields textarea{width:100%}
.fields .note,.fields .wrong{display:block;margin:.15rem 0 0;font-size:.85rem}
.fields .line{display:flex;gap:.5rem;align-items:center}
.fields .line .note{margin:0}
.wrong{color:var(--moved)}
.foot{display:flex;flex-wrap:wrap;gap:.5rem;justify-content:flex-end;margin-top:1rem;padding-top:.75rem;border-top:1px solid var(--rule)}
#chats{list-style:none;margin:.5rem 0 0;padding:0}
#chats li{display:flex;align-items:center;gap:.75rem;border-top:1px solid var(--rule);padding:.4rem 0}
#chats li div{flex:1;min-width:0}
.chat-title{display:block;width:100%;text-align:start;border:0;background:none;padding:.1rem 0;min-height:1.75rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--link)}
#chats time{font-size:.8rem;color:var(--soft)}

@media (max-width:40rem){
 header{padding:.4rem .75rem;gap:.35rem .6rem}
 .models{order:3;flex:1 1 100%}
 .models select{max-width:none;flex:1}
 .bar button{padding:.3rem .55rem}
 main{padding:.75rem}
 #composer{padding-left:.75rem;padding-right:.75rem}
 #welcome{margin-top:6vh}
 .fields{grid-template-columns:minmax(0,1fr);gap:.15rem}
 .fields label:not(:first-child){margin-top:.5rem}
 .strength output{min-width:0}
 .strength{order:3;flex:1 1 100%}
 .strength input{flex:1}
}
.touch{display:none}
@media (hover:none) and (pointer:coarse){.keys{display:none}.touch{display:inline}}
@media (max-height:30rem){#prompt{max-height:20vh}#welcome{margin-top:1rem}}
@media (prefers-reduced-motion:reduce){*,::before,::after{animation:none!important;transition:none!important}}
@media print{body{display:block;height:auto}header,#composer,.actions,#to-end,.skip{display:none!important}main{overflow:visible}}
`;
