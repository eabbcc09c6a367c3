/** The stylesheet of the API's page: one column on a phone, contents beside the text on a desk, light and dark. */
export const docsStyle = `:root {
  color-scheme: light dark;
  --page: light-dark(#ffffff, #0f1317);
  --raised: light-dark(#f6f8fa, #161b21);
  --line: light-dark(#dfe3e8, #2a3139);
  --text: light-dark(#1a2027, #e4e8ed);
  --soft: light-dark(#566270, #9aa6b2);
  --accent: light-dark(#0b6bb8, #6cb8f5);
  --code: light-dark(#f1f4f7, #1b2128);
  --get: light-dark(#0b6bb8, #6cb8f5);
  --post: light-dark(#1a7f37, #57c478);
  --patch: light-dark(#8a5a00, #e0b04c);
  --delete: light-dark(#b42318, #f28b82);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 0.25rem; }
code, pre, .call { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
code { font-size: 0.875em; overflow-wrap: anywhere; }
p code, td code, li code, span code { padding: 0.1em 0.3em; border-radius: 0.25rem; background: var(--code); }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; z-index: 3; padding: 0.5rem 1rem; background: var(--page); }
.top { position: sticky; top: 0; z-index: 2; display: flex; align-items: center; justify-content: space-between;
  padding: 0.75rem 1.5rem; background: var(--page); border-bottom: 1px solid var(--line); }
.brand { font-weight: 650; color: var(--text); }
.brand span { color: var(--soft); font-weight: 400; }
.columns { display: grid; grid-template-columns: 19rem minmax(0, 1fr); max-width: 84rem; margin: 0 auto; }
aside { position: sticky; top: 3.1rem; height: calc(100vh - 3.1rem); overflow-y: auto; padding: 1rem 1rem 3rem 1.5rem;
  border-right: 1px solid var(--line); }
nav .group { margin: 1.25rem 0 0.25rem; font-size: 0.75rem; font-weight: 650; letter-spacing: 0.04em;
  text-transform: uppercase; color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.2rem 0.4rem; border-radius: 0.3rem; font-size: 0.875rem; line-height: 1.4;
  color: var(--text); }
nav a:hover { background: var(--raised); text-decoration: none; }
nav .verb { flex: 0 0 2.9rem; font-size: 0.65rem; }
.verb { font-weight: 700; font-size: 0.8rem; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.GET { color: var(--get); } .POST { color: var(--post); } .PATCH, .PUT { color: var(--patch); }
.DELETE { color: var(--delete); }
main { padding: 2rem 3rem 6rem; min-width: 0; }
main > * { max-width: 56rem; }
h1 { margin: 0 0 1rem; font-size: 2rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1.3rem; line-height: 1.3; }
h2.part { margin-top: 4rem; padding-bottom: 0.4rem; font-size: 1.6rem; border-bottom: 1px solid var(--line); }
h3 { margin: 0 0 0.25rem; font-size: 1.15rem; line-height: 1.4; }
h4 { margin: 1.5rem 0 0.4rem; font-size: 0.8rem; letter-spacing: 0.03em; text-transform: uppercase; color: var(--soft); }
article { margin: 1.5rem 0 2.5rem; padding: 1.25rem 1.5rem; border: 1px solid var(--line); border-radius: 0.6rem; }
article:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.call { margin: 0 0 0.75rem; padding: 0.5rem 0.75rem; border-radius: 0.4rem; background: var(--raised);
  overflow-wrap: anywhere; }
.call code { padding: 0; background: none; font-size: 0.9rem; }
pre { margin: 0 0 1rem; padding: 0.9rem 1rem; border: 1px solid var(--line); border-radius: 0.4rem;
  background: var(--raised); overflow-x: auto; font-size: 0.8125rem; line-height: 1.55; }
pre code { font-size: inherit; overflow-wrap: normal; }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; line-height: 1.5; }
th { text-align: left; font-size: 0.8rem; color: var(--soft); }
th, td { padding: 0.55rem 0.75rem 0.55rem 0; border-top: 1px solid var(--line); vertical-align: top; }
.fields td:first-child { width: 38%; overflow-wrap: anywhere; }
.type, .rules { display: block; font-size: 0.8rem; color: var(--soft); }
.required { font-size: 0.72rem; font-weight: 650; color: var(--delete); }
.status { padding: 0.05rem 0.4rem; border: 1px solid var(--line); border-radius: 0.3rem; font-size: 0.75rem;
  color: var(--soft); }
details { margin: 0.5rem 0; }
summary { cursor: pointer; font-size: 0.9rem; color: var(--accent); }
details h4 { display: none; }
details table { margin-top: 0.5rem; }
.narrow-contents { display: none; }
@media (max-width: 60rem) {
  .columns { display: block; }
  aside { display: none; }
  .narrow-contents { display: block; margin: 0; padding: 0.75rem 1rem; border-bottom: 1px solid var(--line); }
  .top { padding: 0.75rem 1rem; }
  main { padding: 1.5rem 1rem 4rem; }
  article { padding: 1rem; }
  h1 { font-size: 1.6rem; }
  .fields, .fields tbody, .fields tr, .fields td { display: block; }
  .fields thead { display: none; }
  .fields td { padding: 0; border: 0; }
  .fields td:first-child { width: auto; }
  .fields tr { padding: 0.55rem 0; border-top: 1px solid var(--line); }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { aside, .top, .narrow-contents { display: none; } .columns { display: block; } }
`
