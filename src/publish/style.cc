// One accent, and shades of it: told apart by lightness alone, they hold for every kind of colour vision and in print.
// Shades rise from the paper's lightness to the accent, so in the dark more is lighter.
#include "publish/style.h"

namespace tocsin::publish {

std::string_view style_sheet() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --ink: #1d2126; --quiet: #5b6470; --rule: #dfe2e6; --accent: #1f5fa8;
  --land: #e6e7e5; --border: #fdfdfc;
  --s1: #c3d7ee; --s2: #94bae1; --s3: #5f97cf; --s4: #2f73b7; --s5: #154a86; --home: #1d2126;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #e4e7eb; --quiet: #9aa4b0; --rule: #2e343c; --accent: #7db2ec;
    --land: #2a2f36; --border: #14171b;
    --s1: #24476d; --s2: #33659a; --s3: #4d86c4; --s4: #7cafe6; --s5: #bcdcff; --home: #e4e7eb;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --accent: #1f5fa8; --land: #e6e7e5; --border: #fff;
    --s1: #c3d7ee; --s2: #94bae1; --s3: #5f97cf; --s4: #2f73b7; --s5: #154a86; --home: #000;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 3.5rem 1.25rem 4rem; max-width: 46rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC",
    "Microsoft YaHei", "Liberation Sans", sans-serif;
  overflow-wrap: break-word;
}
h1, h2, h3 { line-height: 1.25; font-weight: 650; text-wrap: balance; margin: 0; }
h1 { font-size: 2rem; letter-spacing: -0.015em; }
h2 { font-size: 1.3125rem; letter-spacing: -0.005em; }
h3 { font-size: 1.0625rem; margin: 2rem 0 0.4rem; }
p { margin: 0.75rem 0; text-wrap: pretty; }
.period { font-size: 1.1875rem; color: var(--quiet); margin: 0.25rem 0 2.25rem; }
.lead { font-size: 1.3125rem; line-height: 1.45; margin: 0 0 1rem; }
.quiet, figcaption, .note { color: var(--quiet); }
.note, figcaption, .small { font-size: 0.9375rem; line-height: 1.5; }
.caution { border-left: 3px solid var(--accent); padding: 0.1rem 0 0.1rem 1rem; margin: 1.5rem 0; }
section { margin-top: 3rem; padding-top: 1.5rem; border-top: 1px solid var(--rule); }
.number { margin: 0.4rem 0 0.6rem; line-height: 1.3; }
.number b { font-size: 2rem; font-weight: 650; letter-spacing: -0.015em; margin-right: 0.15rem; font-variant-numeric: tabular-nums; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figcaption { margin-bottom: 0.5rem; }
svg { display: block; width: 100%; height: auto; }
svg.chart { max-width: 33rem; }
svg.chart text { font-size: 12.5px; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg.chart text.quiet { fill: var(--quiet); }
.end { text-anchor: end; } .middle { text-anchor: middle; } .start { text-anchor: start; }
.mark { fill: var(--accent); }
.line { fill: none; stroke: var(--accent); stroke-width: 1.75; stroke-linejoin: round; }
.grid { stroke: var(--rule); stroke-width: 1; } .axis { stroke: var(--quiet); stroke-width: 1; }
svg.map { margin: 0.5rem 0; }
.map path, .map circle { stroke: var(--border); stroke-width: 0.6px; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.map .land { fill: var(--land); }
.map .home { fill: none; stroke: var(--home); stroke-width: 1.4px; }
.s1 { fill: var(--s1); background: var(--s1); } .s2 { fill: var(--s2); background: var(--s2); }
.s3 { fill: var(--s3); background: var(--s3); } .s4 { fill: var(--s4); background: var(--s4); }
.s5 { fill: var(--s5); background: var(--s5); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0.5rem 0 0; padding: 0;
  font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.legend li { display: flex; align-items: center; gap: 0.45rem; }
.swatch { width: 1rem; height: 0.8rem; border-radius: 2px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.swatch.home { border: 2px solid var(--home); }
svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
table.rows { max-width: 33rem; }
caption { text-align: left; color: var(--quiet); padding-bottom: 0.35rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 1rem 0.4rem 0; border-bottom: 1px solid var(--rule); font-weight: 400; }
thead th { color: var(--quiet); border-bottom-color: var(--quiet); white-space: nowrap; }
th.n, td.n { text-align: right; white-space: nowrap; padding-right: 0; padding-left: 1rem; }
code { font: 0.8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
th code { display: block; color: var(--quiet); }
ul.plain { padding-left: 1.2rem; } ul.plain li { margin: 0.35rem 0; }
@media (max-width: 30rem) {
  body { padding-top: 2rem; font-size: 1rem; }
  h1 { font-size: 1.625rem; } .lead { font-size: 1.1875rem; } .period { font-size: 1.0625rem; }
}
@media print {
  @page { size: A4; margin: 18mm 16mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  .scroll { overflow: visible; }
  h2, h3, .number { break-after: avoid; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; }
}
)css";
}

// Written apart, as makers of PDF know neither media features nor all of CSS.
std::string paper_style_sheet(std::string_view page) {
  std::string out = R"css(
@page {
  size: A4; margin: 24mm 20mm 22mm;
  @top-left { content: string(title); font: inherit; font-size: 8.5pt; color: #555; border-bottom: 0.5pt solid #bbb; width: 60%;
    vertical-align: bottom; padding-bottom: 2mm; margin-bottom: 5mm; }
  @top-right { content: string(period); font: inherit; font-size: 8.5pt; color: #555; border-bottom: 0.5pt solid #bbb; width: 40%;
    vertical-align: bottom; padding-bottom: 2mm; margin-bottom: 5mm; text-align: right; }
  @bottom-center { font: inherit; font-size: 8.5pt; color: #555; content: )css";
  out += page;
  out += R"css(; }
}
@page :first { @top-left { content: none; border: none; } @top-right { content: none; border: none; } }
html { font: 10pt/1.45 "Liberation Sans", "DejaVu Sans", "Noto Sans CJK SC", sans-serif; color: #000; }
html:lang(zh) { font-family: "Noto Sans CJK SC", sans-serif; line-height: 1.65; }
body { margin: 0; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; font-weight: bold; margin: 0; break-after: avoid; }
h1 { font-size: 21pt; string-set: title content(); }
.period { string-set: period content(); font-size: 13pt; color: #444; margin: 1.5mm 0 7mm; padding-bottom: 4mm;
  border-bottom: 1.5pt solid #1f5fa8; }
h2 { font-size: 14.5pt; color: #154a86; }
h3 { font-size: 11.5pt; margin: 6mm 0 1.5mm; }
p { margin: 2.5mm 0; orphans: 2; widows: 2; }
.lead { font-size: 12.5pt; line-height: 1.45; margin: 0 0 4mm; }
html:lang(zh) .lead { line-height: 1.6; }
.quiet, figcaption, .note { color: #444; }
.note, figcaption, .small { font-size: 9pt; line-height: 1.45; }
.caution { border-left: 2.5pt solid #1f5fa8; padding: 0 0 0 4mm; margin: 5mm 0; font-size: 9.5pt; break-inside: avoid; }
.caution p { margin: 1mm 0; }
section { margin-top: 9mm; padding-top: 4mm; border-top: 0.5pt solid #bbb; }
.number { margin: 1mm 0 2mm; line-height: 1.25; break-after: avoid; }
.number b { font-size: 19pt; font-variant-numeric: tabular-nums; }
figure { margin: 4mm 0; break-inside: avoid; }
figcaption { margin-bottom: 1.5mm; break-after: avoid; }
svg { display: block; width: 100%; height: auto; }
svg.chart { width: 128mm; }
.legend { list-style: none; margin: 1.5mm 0 0; padding: 0; font-size: 9pt; }
.legend li { display: inline-block; margin-right: 5mm; }
.swatch { display: inline-block; width: 4mm; height: 3mm; margin-right: 1.5mm; }
.swatch.home { border: 1pt solid #000; }
.s1 { background: #c3d7ee; } .s2 { background: #94bae1; } .s3 { background: #5f97cf; } .s4 { background: #2f73b7; }
.s5 { background: #154a86; }
.scroll { margin: 3mm 0; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; line-height: 1.35; font-variant-numeric: tabular-nums; }
table.rows { width: 128mm; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { text-align: left; vertical-align: top; padding: 1.1mm 3mm 1.1mm 0; border-bottom: 0.5pt solid #ccc;
  font-weight: normal; }
thead th { color: #444; border-bottom-color: #444; white-space: nowrap; break-after: avoid; }
th.n, td.n { text-align: right; white-space: nowrap; padding-right: 0; padding-left: 3mm; }
code { font: 7.5pt/1.4 "DejaVu Sans Mono", "Noto Sans Mono", "Liberation Mono", monospace; overflow-wrap: anywhere; }
th code { display: block; color: #444; }
ul.plain { padding-left: 4.5mm; margin: 1.5mm 0; } ul.plain li { margin: 1mm 0; }
)css";
  return out;
}

std::string drawing_style(Language language) {
  const std::string font = language == Language::kChinese ? "Noto Sans CJK SC" : "Liberation Sans";
  return "text { font-family: '" + font + "'; }" + R"css(
text { font-size: 12.5px;
  fill: #000; }
.quiet { fill: #444; } .end { text-anchor: end; } .middle { text-anchor: middle; } .start { text-anchor: start; }
.mark { fill: #1f5fa8; } .line { fill: none; stroke: #1f5fa8; stroke-width: 1.75; }
.grid { stroke: #ccc; stroke-width: 0.75; } .axis { stroke: #555; stroke-width: 0.75; }
.land { fill: #e6e7e5; } .land, .s1, .s2, .s3, .s4, .s5 { stroke: #fff; stroke-width: 6; }
.s1 { fill: #c3d7ee; } .s2 { fill: #94bae1; } .s3 { fill: #5f97cf; } .s4 { fill: #2f73b7; } .s5 { fill: #154a86; }
.home { fill: none; stroke: #000; stroke-width: 16; }
)css";
}

}  // namespace tocsin::publish
