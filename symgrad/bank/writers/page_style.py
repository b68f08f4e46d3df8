"""The look of the pages that the HTML writer makes: for screens light and dark, and for paper."""

STYLE = """\
:root { color-scheme: light dark; --ink: #1a202c; --soft: #5a6577; --paper: #ffffff; --line: #d5dbe5;
  --fine: #1a7f4b; --wrong: #b42318; --shade: #f5f7fa; --accent: #1f4e8c; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ef; --soft: #a3adbd; --paper: #14181f; --line: #3a4350;
    --fine: #58c78d; --wrong: #ff8a7a; --shade: #1d232d; --accent: #8db8f2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.6;
  font: 17px/1.6 Charter, "Bitstream Charter", Cambria, Georgia, "Noto Serif", serif; }
body:lang(fa) { font-family: Vazirmatn, "XB Niloofar", "B Nazanin", "Noto Naskh Arabic", Tahoma, sans-serif;
  line-height: 1.9; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
article + article { margin-top: 4rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1rem 0; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .4rem; color: var(--accent); }
p { margin: .6rem 0; overflow-wrap: break-word; }
p.answer { font-weight: bold; margin-bottom: 0; }
p.answer + .formula { border: 1px solid var(--accent); border-radius: 6px; padding: .5rem .8rem; margin: .4rem 0; }
math { direction: ltr; unicode-bidi: isolate; font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math",
  "DejaVu Math TeX Gyre", math; line-height: 1.4;
  font-size: 1.05em; }
math[display="block"] { margin: 0; }
.formula { direction: ltr; margin: .7rem 0; overflow-x: auto; overflow-y: hidden;
  padding: .15rem 0; text-align: center; }
.formula.long { text-align: left; line-height: 2.4; padding-left: 2.6rem !important;
  text-indent: -2rem; }
.formula.long math { text-indent: 0; }
ol.derivation { list-style: none; padding-inline-start: .9rem;
  border-inline-start: 3px solid var(--line); margin: .6rem 0; }
ol.derivation li > p { color: var(--soft); margin: .5rem 0 .1rem; }
ol.derivation .formula { margin: .2rem 0 .7rem; }
pre { direction: ltr; text-align: left; background: var(--shade); border: 1px solid var(--line); border-radius: 6px;
  padding: .7rem .9rem; overflow-x: auto; line-height: 1.45; }
code { font-family: "DejaVu Sans Mono", Consolas, Menlo, monospace; font-size: .86em; unicode-bidi: isolate; }
.table { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .95em; }
th, td { border: 1px solid var(--line); padding: .35rem .55rem; text-align: start; vertical-align: middle; }
th { background: var(--shade); }
td.number, td.quantity { text-align: center; white-space: nowrap; }
mtable { border-collapse: separate; width: auto; font-size: inherit; }
aside { border-inline-start: 4px solid var(--fine); background: var(--shade); border-radius: 4px;
  padding: .1rem .9rem; margin: .8rem 0; font-size: .95em; }
aside.wrong { border-color: var(--wrong); }
aside .mark { color: var(--fine); } aside.wrong .mark { color: var(--wrong); }
figure { margin: 1.2rem 0; text-align: center; overflow-x: auto; }
figure.wide { margin-inline: calc(50% - min(47vw, var(--width) / 2)); }
figure svg { max-width: 100%; height: auto; background: #ffffff; border-radius: 6px; }
figcaption { color: var(--soft); font-size: .9em; }
merror { color: var(--wrong); outline: 1px dashed; }
@page { size: A4; margin: 18mm 16mm; }
@page wide { size: A4 landscape; margin: 14mm; }
@media print {
  body { font-size: 10.5pt; line-height: 1.45; } h2 { margin-top: 1.4rem; }
  .formula, ol.derivation .formula { margin: .15rem 0 .3rem; } main { max-width: none; padding: 0; }
  article + article { break-before: page; border: 0; margin: 0; }
  h1, h2, h3, p.answer, ol.derivation li > p { break-after: avoid; }
  li, aside, tr, figure, .formula, pre { break-inside: avoid; } .formula { break-before: avoid; }
  thead { display: table-header-group; } .formula, .table, figure, pre { overflow: visible; }
  figure.wide { margin-inline: 0; page: wide; }
  pre { white-space: pre-wrap; } * { print-color-adjust: exact; }
}
"""
