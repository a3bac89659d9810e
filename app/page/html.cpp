#include "app/page/html.h"

#include "app/page/markup.h"
#include "base/check.h"
#include "data/image/image.h"

namespace mr::app {
namespace {

constexpr float picture_quality = 85;  // of 100, WebP's

// Drawings have one set of colours, for paper: in the dark they are turned over, and hues back.
constexpr std::string_view style = R"(
:root { color-scheme: light dark; --ink: #1f2933; --soft: #5b6b7c; --line: #d9e2ec; --paper: #fff; --card: #f5f7fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dfe5ec; --soft: #9aa7b5; --line: #3a424c; --paper: #16191d; --card: #1f2329; }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 80rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { max-width: 60rem; }
nav a { margin-right: 1.25rem; color: inherit; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .25rem 0; color: var(--soft); white-space: nowrap; }
th, td { padding: .2rem .9rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
.number { text-align: right; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: .75rem; margin: .75rem 0; }
.figures svg { border-radius: 6px; width: 100%; height: auto; border: 1px solid #d9e2ec; box-sizing: border-box; }
@media (prefers-color-scheme: dark) { .figures svg { filter: invert(0.9) hue-rotate(180deg); } }
figure { margin: 0 0 1.5rem; }
figure div { display: flex; flex-wrap: wrap; gap: .5rem; }
figure img { flex: 1 1 20rem; min-width: 0; max-width: 100%; height: auto; align-self: flex-start; border-radius: 4px; }
figcaption, .soft { color: var(--soft); }
pre { overflow-x: auto; padding: .75rem; background: var(--card); border-radius: 6px; font-size: 13px; line-height: 1.4; }
summary { cursor: pointer; }
)";

std::string element(std::string_view tag, std::string_view text) { return str("<", tag, ">", escaped(text), "</", tag, ">\n"); }

std::string cell(std::string_view tag, std::string_view text, bool number) {
  return str("<", tag, number ? " class=\"number\">" : ">", escaped(text), "</", tag, ">");
}

}  // namespace

HtmlPage::HtmlPage(std::string_view title) : title_(title) {}

void HtmlPage::heading(std::string_view text) {
  ++sections_;
  append(contents_, str("<a href=\"#part", sections_, "\">", escaped(text), "</a>\n"));
  append(body_, str("<h2 id=\"part", sections_, "\">", escaped(text), "</h2>\n"));
}

void HtmlPage::subheading(std::string_view text) { body_ += element("h3", text); }
void HtmlPage::say(std::string_view paragraph) { body_ += element("p", paragraph); }
void HtmlPage::text(std::string_view preformatted) { body_ += element("pre", preformatted); }

void HtmlPage::table(const Table& t) {
  body_ += "<div class=\"wide\"><table>\n";
  if (!t.title.empty()) body_ += element("caption", t.title);
  body_ += "<thead><tr>";
  for (size_t k = 0; k < t.columns.size(); ++k) body_ += cell("th", t.columns[k], !t.rows.empty() && is_number(t.rows[0].at(k)));
  body_ += "</tr></thead>\n<tbody>\n";
  for (const std::vector<Cell>& row : t.rows) {
    body_ += "<tr>";
    for (const Cell& c : row) body_ += cell("td", shown(c, t.decimals), is_number(c));
    body_ += "</tr>\n";
  }
  body_ += "</tbody>\n</table></div>\n";
  if (!t.note.empty()) say(t.note);
}

void HtmlPage::figures(const std::vector<Svg>& row) {
  if (row.empty()) return;
  body_ += "<div class=\"figures\">\n";
  for (const Svg& figure : row) body_ += figure.str();
  body_ += "</div>\n";
}

void HtmlPage::pictures(const std::vector<Image>& side_by_side, std::string_view caption) {
  body_ += "<figure><div>\n";
  for (const Image& picture : side_by_side)
    append(body_, str("<img alt=\"\" width=\"", picture.width, "\" height=\"", picture.height, "\" src=\"",
                      data_uri("image/webp", encode_webp(picture, picture_quality)), "\">\n"));
  append(body_, str("</div>", element("figcaption", caption), "</figure>\n"));
}

void HtmlPage::folded(std::string_view summary, std::string_view preformatted) {
  append(body_, str("<details>", element("summary", summary), element("pre", preformatted), "</details>\n"));
}

std::string HtmlPage::html() const {
  return str(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
      element("title", title_), "<style>", style, "</style>\n</head>\n<body>\n", element("h1", title_), "<nav>\n", contents_, "</nav>\n",
      body_, "</body>\n</html>\n");
}

}  // namespace mr::app
