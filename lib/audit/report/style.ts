/** The report's one style sheet: screen, dark and print. Inline, and allowed by its hash alone. Colours meet WCAG AA on both grounds. */
import { createHash } from "node:crypto";

export const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1a1c20;--soft:#50555e;--line:#c9cdd4;--panel:#f4f5f7;--good:#17603a;--bad:#8a1c0f;--badbg:#fdecea;--mark:#6b3fa0;--model:#0b57d0;--gate:#6b3fa0;--people:#9a5b00;--tool:#17603a}
@media(prefers-color-scheme:dark){:root{--ground:#16181c;--text:#eceef1;--soft:#b4bac4;--line:#444a54;--panel:#20242a;--good:#7ddba3;--bad:#ffb4a8;--badbg:#3b1714;--mark:#d3b4ff;--model:#8ab4ff;--gate:#d3b4ff;--people:#f0b35c;--tool:#7ddba3}}
@media print{:root{color-scheme:light;--ground:#fff;--text:#000;--soft:#444;--line:#bbb;--panel:#fff;--good:#17603a;--bad:#8a1c0f;--badbg:#fff;--mark:#6b3fa0;--model:#0b57d0;--gate:#6b3fa0;--people:#9a5b00;--tool:#17603a}
main{max-width:none;padding:0}section.step,tr,figure{break-inside:avoid}h2,h3{break-after:avoid}@page{margin:16mm 14mm}pre{border:1px solid var(--line)}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
h1{font-size:1.55rem;line-height:1.25;margin:.2rem 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:0 0 .5rem;overflow-wrap:anywhere}
h4{font-size:.9rem;margin:.9rem 0 .3rem}
p{margin:.45rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
.verdict{border:1px solid var(--line);border-left:.3rem solid var(--good);background:var(--panel);padding:.6rem .9rem;border-radius:.3rem;margin:1rem 0}
.verdict.no{border-left-color:var(--bad);background:var(--badbg)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
thead th{white-space:nowrap}
.pairs th{width:12rem;font-weight:600}
.number{text-align:right;white-space:nowrap}
code,pre,.hash{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--panel);padding:.6rem .75rem;border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}
.hash{overflow-wrap:anywhere;word-break:break-all}
.value{white-space:pre-wrap;unicode-bidi:isolate}
.mark{color:var(--mark);font-weight:700}
section.step{border:1px solid var(--line);border-radius:.45rem;padding:.8rem 1rem;margin:.9rem 0}
section.answer{border-left:.25rem solid var(--line);padding:.1rem 0 .1rem 1rem;margin:1rem 0}
.tag{display:inline-block;border:1px solid currentColor;border-radius:.3rem;padding:0 .4rem;font-size:.85em;margin-left:.4rem}
ul.checks{list-style:none;padding:0;margin:.2rem 0;display:flex;flex-wrap:wrap;gap:.15rem .9rem}
figure{margin:.5rem 0;overflow-x:auto}
svg{display:block;width:100%;min-width:34rem;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--text)}
svg .quiet{fill:var(--soft)}
@media(max-width:40rem){.pairs,.pairs tbody,.pairs tr,.pairs th,.pairs td{display:block;width:auto}.pairs th{border-bottom:0;padding-bottom:0}thead th{white-space:normal}th,td{padding:.3rem .25rem}}
.lane{fill:none;stroke:var(--line)}.cut{fill:var(--panel);stroke:var(--line);stroke-dasharray:3 3}
.bar-model{fill:var(--model)}.bar-gate{fill:var(--gate)}.bar-people{fill:var(--people)}.bar-tool{fill:var(--tool)}
`;

export const STYLE_HASH = createHash("sha256").update(STYLE, "utf8").digest("base64");
/** The file loads nothing, runs nothing and sends nothing. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;
