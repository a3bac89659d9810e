// One HTML page that needs no other file and no network: its pictures and drawings lie in it. Parts come in the order of the calls; the headings
// are listed at its top. It follows the reader's light or dark colours; what is wider than the window scrolls by itself.
//
//   HtmlPage page("nuclei");
//   page.heading("Classes");
//   page.say("Of 12 pictures.");
//   page.table(classes);
//   page.figures({draw(loss), draw(rate)});
//   write_text_file("report.html", page.html());
//
// All texts are shown as they are: nothing in them is taken for a tag. The same calls give the same bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/page/svg.h"
#include "app/page/table.h"

namespace mr::app {

class HtmlPage {
 public:
  explicit HtmlPage(std::string_view title);

  void heading(std::string_view text);
  void subheading(std::string_view text);  // not listed
  void say(std::string_view paragraph);
  void table(const Table& table);
  void figures(const std::vector<Svg>& row);                                        // as many beside one another as there is room for
  void pictures(const std::vector<Image>& side_by_side, std::string_view caption);  // as WebP
  void text(std::string_view preformatted);                                         // line by line, letters of one width
  void folded(std::string_view summary, std::string_view preformatted);             // shown when it is asked for

  std::string html() const;  // all of it

 private:
  std::string title_, contents_, body_;
  int sections_ = 0;
};

}  // namespace mr::app
