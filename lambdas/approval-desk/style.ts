/** The page's one style sheet, inline and allowed by its hash alone. Colours meet WCAG AA on both grounds. */
import { createHash } from "node:crypto";

export const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1a1c20;--soft:#50555e;--line:#c9cdd4;--panel:#f4f5f7;--warn:#8a1c0f;--warnbg:#fdecea;--mark:#6b3fa0;--go:#17603a;--stop:#8a1c0f;--focus:#0b57d0;--add:#e3f4e8;--del:#fdecea}
@media(prefers-color-scheme:dark){:root{--ground:#16181c;--text:#eceef1;--soft:#b4bac4;--line:#444a54;--panel:#20242a;--warn:#ffb4a8;--warnbg:#3b1714;--mark:#d3b4ff;--go:#1f7a4a;--stop:#a8281a;--focus:#8ab4ff;--add:#16361f;--del:#3b1714}}
*{box-sizing:border-box}
body{margin:0;overflow-wrap:anywhere;background:var(--ground);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:46rem;margin:0 auto;padding:1.25rem 1rem 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
p{margin:.4rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft)}
a{color:var(--focus)}
.grave{color:var(--warn)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.4rem .5rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th[scope=row]{font-weight:600;width:34%}
td.was{background:var(--del)}td.will{background:var(--add)}
pre,code{font:.92em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--panel);padding:.75rem;border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
.value{white-space:pre-wrap;unicode-bidi:isolate;direction:ltr}
.mark{color:var(--mark);font-weight:700;font-style:normal;text-decoration:none;background:transparent}
.tag{display:inline-block;border:1px solid var(--line);border-radius:.3rem;padding:0 .4rem;font-size:.85em;color:var(--soft)}
blockquote{margin:.4rem 0;padding:.5rem .9rem;border-left:.25rem solid var(--line);background:var(--panel)}
.note{padding:.75rem 1rem;border:1px solid var(--line);border-radius:.4rem;background:var(--panel);margin:1rem 0}
.alert{border-color:var(--warn);background:var(--warnbg);color:var(--warn)}
details summary{cursor:pointer;padding:.25rem 0}
ul{padding-left:1.2rem;margin:.4rem 0}
form h2{margin-top:0}
form{margin-top:2rem;padding:1rem;border:2px solid var(--line);border-radius:.6rem}
label{display:block;font-weight:600;margin-top:.9rem}
.hint{color:var(--soft);font-size:.92em;margin:.1rem 0 .3rem}
input,textarea{width:100%;font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.4rem;padding:.6rem .7rem}
input.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em;max-width:16rem;text-transform:uppercase}
textarea{min-height:5rem;resize:vertical}
.actions{display:flex;gap:.75rem;flex-wrap:wrap;margin-top:1.25rem}
button{font:inherit;font-weight:700;min-height:2.9rem;min-width:9rem;padding:.5rem 1.4rem;border-radius:.4rem;border:2px solid transparent;color:#fff;cursor:pointer;flex:1 1 9rem}
button.plain{background:var(--panel);color:var(--text);border-color:var(--soft);margin-top:.9rem}
select{width:100%;font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.4rem;padding:.6rem .7rem}
form details{margin-top:1.25rem;border-top:1px solid var(--line);padding-top:.5rem}
form.small{border-width:1px;margin-top:1rem;padding:.5rem 1rem 1rem}
button.approve{background:var(--go)}button.reject{background:var(--stop)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
@media(max-width:34rem){th[scope=row]{width:auto}table.changes tr{display:grid;grid-template-columns:1fr 1fr}table.changes tbody th{grid-column:1/3;border-bottom:0;padding-bottom:0}table.changes thead th:first-child{display:none}table.inbox,table.inbox tbody,table.inbox tr,table.inbox tbody th,table.inbox td{display:block;width:100%}table.inbox thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}table.inbox tbody th,table.inbox td:not(:last-child){border-bottom:0;padding-bottom:0}table.pairs,table.pairs tbody,table.pairs tr,table.pairs th,table.pairs td{display:block;width:100%}table.pairs th{border-bottom:0;padding-bottom:0}}
`;

const hash = createHash("sha256").update(STYLE, "utf8").digest("base64");

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "strict-transport-security": "max-age=31536000",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "cross-origin-opener-policy": "same-origin",
};
